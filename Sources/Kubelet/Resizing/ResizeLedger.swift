import Support

/// Why a resize is not granted, as the condition `PodResizePending` says it.
struct PendingResize: Hashable, Sendable {
    enum Reason: String, Sendable {
        /// There is no room now; there may be, later.
        case deferred = "Deferred"
        /// The node is not large enough.
        case infeasible = "Infeasible"
    }

    var reason: Reason
    var message: String
}

/// Decides which pods may have other resources than they have: what the node gives to pods, less what all
/// others have (KEP 1287, "Priority of Resize Requests").
///
/// Pure. Those that must wait are granted in their order when room appears: the higher priority first, then
/// guaranteed pods, then who has waited longest.
struct ResizeLedger: Sendable {
    struct Wish: Hashable, Sendable {
        var amounts: ResourceAmounts
        var priority = 0
        var isGuaranteed = false
        var since: Timestamp
    }

    enum Answer: Hashable, Sendable {
        case granted
        case pending(PendingResize)
    }

    private let allocatable: ResourceAmounts
    /// What each pod has, or was granted.
    private var given: [String: ResourceAmounts] = [:]
    /// Granted, and not asked for since.
    private var granted: [String: ResourceAmounts] = [:]
    private var deferred: [String: Wish] = [:]

    init(allocatable: ResourceAmounts) { self.allocatable = allocatable }

    func knows(_ uid: String) -> Bool { given[uid] != nil }

    /// The pod has this much. Returns the pods whose resizes are granted by it.
    mutating func note(_ uid: String, _ amounts: ResourceAmounts) -> [String] {
        guard granted[uid] == nil, given[uid] != amounts else { return [] }
        given[uid] = amounts
        return grantDeferred()
    }

    /// The pod needs nothing any more. Returns the pods whose resizes are granted by it.
    mutating func forget(_ uid: String) -> [String] {
        (granted[uid], deferred[uid]) = (nil, nil)
        guard given.removeValue(forKey: uid) != nil else { return [] }
        return grantDeferred()
    }

    /// The pod wants no more than it has.
    mutating func withdraw(_ uid: String) {
        deferred[uid] = nil
        granted[uid] = nil
    }

    /// The pod wants this much. What is granted counts as given from now on.
    mutating func ask(_ uid: String, _ wish: Wish) -> Answer {
        deferred[uid] = nil
        if granted.removeValue(forKey: uid) == wish.amounts { return .granted }
        let wanted = wish.amounts
        for (name, amount, most) in [
            ("memory", wanted.memory, allocatable.memory), ("cpu", wanted.processors, allocatable.processors),
        ] where amount > most {
            return .pending(
                PendingResize(
                    reason: .infeasible,
                    message: "Node didn't have enough capacity: \(name), requested: \(amount), capacity: \(most)"))
        }
        if let lack = lack(of: uid, wanted) {
            deferred[uid] = wish
            return .pending(PendingResize(reason: .deferred, message: lack))
        }
        given[uid] = wanted
        return .granted
    }

    /// What there is not enough of; `nil` when the wish fits. Who wants no more than it has always fits.
    private func lack(of uid: String, _ wanted: ResourceAmounts) -> String? {
        let others = given.filter { $0.key != uid }.values
        for (name, path) in [("cpu", \ResourceAmounts.processors), ("memory", \ResourceAmounts.memory)] {
            if let present = given[uid], wanted[keyPath: path] <= present[keyPath: path] { continue }
            let used = others.reduce(Int128(0)) { $0 + Int128($1[keyPath: path]) }
            let (amount, most) = (wanted[keyPath: path], allocatable[keyPath: path])
            guard used + Int128(amount) > Int128(most) else { continue }
            return "Node didn't have enough resource: \(name), requested: \(amount), used: \(used), capacity: \(most)"
        }
        return nil
    }

    private mutating func grantDeferred() -> [String] {
        var uids: [String] = []
        for (uid, wish) in deferred.sorted(by: Self.isBefore) where lack(of: uid, wish.amounts) == nil {
            (given[uid], granted[uid], deferred[uid]) = (wish.amounts, wish.amounts, nil)
            uids.append(uid)
        }
        return uids
    }

    private static func isBefore(_ first: (key: String, value: Wish), _ second: (key: String, value: Wish)) -> Bool {
        let (one, other) = (first.value, second.value)
        if one.priority != other.priority { return one.priority > other.priority }
        if one.isGuaranteed != other.isGuaranteed { return one.isGuaranteed }
        return (one.since, first.key) < (other.since, second.key)
    }
}
