import APIMachinery
import Support

/// What a node keeps from its pods (Kubernetes documentation, "Reserve Compute Resources for System Daemons").
public struct NodeReservation: Hashable, Sendable {
    /// For whom, by the names of the arguments.
    enum Owner: String, Hashable, Sendable, CaseIterable {
        case system = "system-reserved"
        case kube = "kube-reserved"
    }

    /// For the system and for Kubernetes' own programs: thousandths of a core, bytes, pieces.
    private(set) var parts: [Owner: [String: Int64]] = [:]
    /// Below this pods would be evicted, so that it is not theirs. What a node evicts for without being told to is
    /// not taken from the memory, as in k3s.
    var memoryKept: EvictionThreshold.Quantity?
    var storageKept: EvictionThreshold.Quantity? = .part(5000, text: "5%")

    public init() {}

    static let names: Set = ["cpu", "memory", "ephemeral-storage", "pid"]

    /// For both together.
    var amounts: [String: Int64] {
        parts.values.reduce(into: [:]) { sum, part in
            sum.merge(part) { Int64(clamping: Int128($0) + Int128($1)) }
        }
    }

    /// So many processors are the system's, whatever else was said.
    mutating func reserve(processors: Int) {
        parts[.kube]?["cpu"] = nil
        parts[.system, default: [:]]["cpu"] = Int64(processors) * 1000
    }

    /// Adds `cpu=200m,memory=500Mi`; `nil` for what is no such list.
    mutating func add(_ text: String, for owner: Owner) -> Void? {
        for part in text.split(separator: ",") {
            let words = part.split(separator: "=", maxSplits: 1).map(String.init)
            guard words.count == 2, Self.names.contains(words[0]) || words[0].hasPrefix("hugepages-"),
                let quantity = try? Quantity(words[1]), quantity.sign >= 0
            else { return nil }
            let amount = words[0] == "cpu" ? quantity.milliValue : quantity.value
            let sum = (parts[owner]?[words[0]] ?? 0).addingReportingOverflow(amount)
            parts[owner, default: [:]][words[0]] = sum.overflow ? .max : sum.partialValue
        }
        return ()
    }

    /// What of a capacity pods do not get, in the same unit.
    func kept(of capacity: Int64, _ name: String) -> Int64 {
        let threshold = name == "memory" ? memoryKept?.value(of: capacity) ?? 0 : 0
        return Int64(clamping: Int128(amounts[name] ?? 0) + Int128(threshold))
    }

    /// What is left of a capacity for pods, never less than nothing.
    func rest(of capacity: Int64, _ name: String, otherwiseUsed used: Int64 = 0) -> Int64 {
        let kept: Int64 =
            switch name {
            case "memory": memoryKept?.value(of: capacity) ?? 0
            case "ephemeral-storage": storageKept?.value(of: capacity) ?? 0
            default: 0
            }
        let rest = Int128(capacity) - Int128(kept) - Int128(amounts[name] ?? 0) - Int128(used)
        return Int64(clamping: max(rest, 0))
    }
}
