import APIMachinery

/// How many requests of one kind may run, and what becomes of the others
/// (`flowcontrol.apiserver.k8s.io/v1.PriorityLevelConfiguration`).
struct PriorityLevel: Hashable, Sendable {
    /// Where requests wait: some queues, of which each flow is dealt a hand.
    struct Queuing: Hashable, Sendable {
        var queues: Int
        var handSize: Int
        /// Of one queue, requests.
        var lengthLimit: Int
    }

    let name: String
    let uid: String
    /// Its requests run at once, always.
    let isExempt: Bool
    let shares: Int
    /// Of its seats, how many others may use while it does not.
    let lendablePercent: Int
    /// How many seats of others it may use, in percent of its own; `nil` without a bound.
    let borrowingPercent: Int?
    /// `nil` when requests beyond the seats are refused.
    let queuing: Queuing?

    init(_ object: Value) {
        name = object.at("metadata", "name")?.string ?? ""
        uid = object.at("metadata", "uid")?.string ?? ""
        let spec = object["spec"] ?? .emptyObject
        isExempt = spec["type"] == "Exempt"
        let limits = spec[isExempt ? "exempt" : "limited"] ?? .emptyObject
        func number(_ value: Value, _ key: String) -> Int? { value[key]?.integer.map { max(0, Int($0)) } }
        shares = number(limits, "nominalConcurrencyShares") ?? (isExempt ? 0 : 30)
        lendablePercent = min(100, number(limits, "lendablePercent") ?? 0)
        borrowingPercent = number(limits, "borrowingLimitPercent")
        guard limits.at("limitResponse", "type") == "Queue" else {
            queuing = nil
            return
        }
        let queues = limits.at("limitResponse", "queuing") ?? .emptyObject
        let count = max(1, number(queues, "queues") ?? 64)
        queuing = Queuing(
            queues: count, handSize: max(1, min(count, number(queues, "handSize") ?? 8)),
            lengthLimit: max(1, number(queues, "queueLengthLimit") ?? 50))
    }
}

/// The seats of one level, as they follow from its shares (Kubernetes documentation, "API Priority and Fairness").
struct SeatLimits: Hashable, Sendable {
    /// What is its own.
    var nominal: Int
    /// What it keeps of that even while it does not use it.
    var least: Int
    /// What it may have with what others lend.
    var most: Int

    /// For each level by its name; together they have at least `total`.
    static func of(_ levels: [PriorityLevel], total: Int) -> [String: SeatLimits] {
        let shares = max(1, levels.reduce(0) { $0 + $1.shares })
        var limits: [String: SeatLimits] = [:]
        for level in levels {
            let nominal = (total * level.shares + shares - 1) / shares
            let lendable = (nominal * level.lendablePercent + 50) / 100
            let borrowable = level.borrowingPercent.map { (nominal * $0 + 50) / 100 }
            limits[level.name] = SeatLimits(
                nominal: nominal, least: nominal - lendable,
                most: borrowable.map { nominal + $0 } ?? max(nominal, total))
        }
        return limits
    }
}
