import APIMachinery
import Host
import Support

/// What is installed in the kernel, what is wanted there, and the transaction between the two.
///
/// A value: it is fed the entrances of one service or pod at a time, and ``takeChange()`` returns what that
/// changes. What was not fed again is not looked at again.
struct ServiceRules {
    /// Who asks for an entrance. When two ask for the same one, the first in this order has it.
    enum Owner: Hashable, Comparable, Sendable {
        case service(ObjectName)
        case pod(ObjectName)

        static func < (a: Owner, b: Owner) -> Bool {
            switch (a, b) {
            case (.service(let a), .service(let b)), (.pod(let a), .pod(let b)): a < b
            case (.service, .pod): true
            case (.pod, .service): false
            }
        }
    }

    /// What must be done in the kernel.
    struct Change {
        var transaction: Nftables.Transaction
        /// The UDP entrances that are no longer what they were: tracked connections may be stale.
        var stale: StaleConnections
    }

    private let options: ServiceProxyOptions
    private var claims: [Entrance.Key: [Owner: Entrance]] = [:]
    private var keys: [Owner: Set<Entrance.Key>] = [:]
    private var touched: Set<Entrance.Key> = []
    private var installed: [Entrance.Key: Entrance] = [:]
    private var shared: [RulePieces.Shared: Int] = [:]

    init(_ options: ServiceProxyOptions) { self.options = options }

    /// An owner asks for these entrances, and no longer for others.
    mutating func set(_ entrances: [Entrance.Key: Entrance], of owner: Owner) {
        for key in keys[owner] ?? [] where entrances[key] == nil {
            claims[key]?[owner] = nil
            if claims[key]?.isEmpty == true { claims[key] = nil }
            touched.insert(key)
        }
        for (key, entrance) in entrances where claims[key]?[owner] != entrance {
            claims[key, default: [:]][owner] = entrance
            touched.insert(key)
        }
        keys[owner] = entrances.isEmpty ? nil : Set(entrances.keys)
    }

    /// The changes since the last call, as one transaction; an empty one when nothing is to be done.
    mutating func takeChange() -> Change {
        var (before, after) = (RulePieces(), RulePieces())
        var stale = StaleConnections()
        for key in touched.sorted() {
            let (old, new) = (installed[key], wanted(key))
            guard old != new else { continue }
            if let old { before.add(old, at: key) }
            if let new { after.add(new, at: key) }
            installed[key] = new
            stale.add(key, new)
        }
        touched = []
        let (needed, unneeded) = count(after.shared, before.shared)
        let steps = RuleSteps(before: before, after: after, needed: needed, unneeded: unneeded)
        return Change(transaction: steps.transaction(options.tableName), stale: stale)
    }

    /// Everything that is wanted, as the transaction that puts it in the place of what may be there.
    mutating func takeEverything() -> Change {
        for key in touched { installed[key] = wanted(key) }
        touched = []
        var all = RulePieces()
        var stale = StaleConnections()
        for (key, entrance) in installed {
            all.add(entrance, at: key)
            stale.add(key, entrance)
        }
        shared = all.shared
        let entries = Array(all.entries) + shared.keys.compactMap(\.entry)
        let groups = Dictionary(grouping: entries, by: \.map).map {
            ($0.key.set.name, $0.value.map(\.element))
        }
        let elements = Dictionary(uniqueKeysWithValues: groups)
        let sets = ServiceTable.sets(options).map { set in
            var set = set
            set.elements += elements[set.name] ?? []
            return set
        }
        let chains = ServiceTable.chains(options) + shared.keys.compactMap(\.chain) + all.chains.values
        let table = Nftables.Table(.inet, options.tableName, sets: sets + all.sets.values, chains: chains)
        return Change(transaction: .replacing(table), stale: stale)
    }

    /// What an entrance shall be, its backends in the places that they have.
    private func wanted(_ key: Entrance.Key) -> Entrance? {
        var entrance = claims[key]?.min { $0.key < $1.key }?.value
        if let old = installed[key] { entrance?.arrange(like: old) }
        return entrance
    }

    /// Counts who needs what, and returns what is needed from now on, and what no longer.
    private mutating func count(
        _ more: [RulePieces.Shared: Int], _ less: [RulePieces.Shared: Int]
    ) -> (needed: [RulePieces.Shared], unneeded: [RulePieces.Shared]) {
        var (needed, unneeded): ([RulePieces.Shared], [RulePieces.Shared]) = ([], [])
        for piece in Set(more.keys).union(less.keys) {
            let before = shared[piece] ?? 0
            let now = before + (more[piece] ?? 0) - (less[piece] ?? 0)
            shared[piece] = now == 0 ? nil : now
            if before == 0, now > 0 { needed.append(piece) }
            if before > 0, now == 0 { unneeded.append(piece) }
        }
        return (needed, unneeded)
    }
}

extension Entrance {
    fileprivate mutating func arrange(like old: Entrance) {
        backends = backends.arranged(like: old.backends)
        localBackends = localBackends?.arranged(like: old.localBackends ?? [])
    }
}
