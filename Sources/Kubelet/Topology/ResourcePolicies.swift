import APIMachinery
import Support

/// How a node gives processors, memory and devices to single containers.
public struct ResourcePolicies: Hashable, Sendable {
    /// `cpu-manager-policy=static`
    var hasOwnProcessors = false
    var processorOptions = CPUOptions()
    /// `reserved-cpus`: those of the system. Empty for the first ones, as many as are reserved.
    var reservedProcessors: Set<Int> = []
    /// `memory-manager-policy=Static`
    var bindsMemory = false
    /// By node and resource, in bytes: what of each node of memory is the system's.
    var reservedMemory: [Int: [String: Int64]] = [:]
    var topology = TopologyPolicy.none
    var scope = TopologyScope.container
    /// `prefer-closest-numa-nodes`
    var prefersClosest = false
    /// `max-allowable-numa-nodes`: with more nodes of memory than this there are too many ways to lie at
    /// them.
    var mostNodes = 8

    public init() {}

    /// Whether anything is given to single containers but devices.
    var isPlain: Bool { !hasOwnProcessors && !bindsMemory && topology == .none }

    // MARK: Arguments

    static let arguments: Set = [
        "cpu-manager-policy", "cpu-manager-policy-options", "cpu-manager-reconcile-period", "reserved-cpus",
        "memory-manager-policy", "reserved-memory", "topology-manager-policy", "topology-manager-scope",
        "topology-manager-policy-options",
    ]

    /// Takes one of ``arguments``. Fails with `invalid` for a value that means nothing.
    mutating func apply(_ name: String, _ value: String) throws(Fault) {
        func wrong(_ what: String) -> Fault {
            Fault(.invalid, "--kubelet-arg \(name)=\(value) is not \(what)")
        }
        switch name {
        case "cpu-manager-policy":
            guard ["none", "static"].contains(value) else { throw wrong("none or static") }
            hasOwnProcessors = value == "static"
        case "memory-manager-policy":
            guard ["None", "Static"].contains(value) else { throw wrong("None or Static") }
            bindsMemory = value == "Static"
        case "topology-manager-policy":
            guard let policy = TopologyPolicy(rawValue: value) else {
                throw wrong("none, best-effort, restricted or single-numa-node")
            }
            topology = policy
        case "topology-manager-scope":
            guard let scope = TopologyScope(rawValue: value) else { throw wrong("container or pod") }
            self.scope = scope
        case "reserved-cpus":
            guard let list = ProcessorList.parse(value) else { throw wrong("a list like 0-1,4") }
            reservedProcessors = list
        case "reserved-memory":
            guard let memory = Self.memory(value) else {
                throw wrong("a list like 0:memory=1Gi;1:memory=512Mi")
            }
            reservedMemory = memory
        case "cpu-manager-policy-options":
            processorOptions = CPUOptions()
            for (option, text) in try Self.pairs(value, wrong) { try setProcessorOption(option, text, wrong) }
        case "topology-manager-policy-options":
            for (option, text) in try Self.pairs(value, wrong) { try setTopologyOption(option, text, wrong) }
        // Processors that others leave are seen at once here: there is nothing to do periodically.
        default: guard (try? GoDuration.parse(value)) != nil else { throw wrong("a duration like 10s") }
        }
    }

    private mutating func setProcessorOption(
        _ option: String, _ text: String, _ wrong: (String) -> Fault
    ) throws(Fault) {
        if ["align-by-socket", "distribute-cpus-across-cores"].contains(option) {
            throw Fault(
                .unsupported,
                "CPU Manager Policy Alpha-level Options not enabled, but option \(QuotedText.quoted(option)) provided"
            )
        }
        guard let isOn = Self.bool(text) else { throw wrong("a list like \(option)=true") }
        switch option {
        case "full-pcpus-only": processorOptions.isWholeCores = isOn
        case "distribute-cpus-across-numa": processorOptions.isDistributed = isOn
        case "strict-cpu-reservation": processorOptions.isReservationStrict = isOn
        case "prefer-align-cpus-by-uncorecache": processorOptions.prefersCache = isOn
        default:
            throw Fault(.invalid, "unknown CPU Manager Policy option: \(QuotedText.quoted(option))")
        }
        guard !processorOptions.prefersCache || !processorOptions.isDistributed else {
            throw Fault(
                .invalid,
                "static policy options prefer-align-cpus-by-uncorecache and distribute-cpus-across-numa can not be used "
                    + "at the same time")
        }
    }

    private mutating func setTopologyOption(
        _ option: String, _ text: String, _ wrong: (String) -> Fault
    ) throws(Fault) {
        switch option {
        case "prefer-closest-numa-nodes":
            guard let isOn = Self.bool(text) else { throw wrong("a list like \(option)=true") }
            prefersClosest = isOn
        case "max-allowable-numa-nodes":
            // Every set of nodes is looked at: more than this would take for ever.
            guard let most = Int(text), (8...16).contains(most) else { throw wrong("a number from 8 to 16") }
            mostNodes = most
        default:
            throw Fault(.invalid, "unknown Topology Manager Policy option: \(QuotedText.quoted(option))")
        }
    }

    private static func pairs(_ value: String, _ wrong: (String) -> Fault) throws(Fault) -> [(String, String)]
    {
        var pairs: [(String, String)] = []
        for part in value.split(separator: ",") {
            let words = part.split(separator: "=", maxSplits: 1).map(String.init)
            guard words.count == 2 else { throw wrong("a list like option=true") }
            pairs.append((words[0], words[1]))
        }
        return pairs
    }

    /// As Go reads it.
    static func bool(_ text: String) -> Bool? {
        ["1", "t", "T", "true", "TRUE", "True"].contains(text)
            ? true : ["0", "f", "F", "false", "FALSE", "False"].contains(text) ? false : nil
    }

    /// `0:memory=1Gi,hugepages-2Mi=100Mi;1:memory=1Gi`
    private static func memory(_ value: String) -> [Int: [String: Int64]]? {
        var memory: [Int: [String: Int64]] = [:]
        for part in value.split(separator: ";") {
            let words = part.split(separator: ":", maxSplits: 1)
            guard words.count == 2, let node = Int(words[0]), (0..<64).contains(node), memory[node] == nil
            else {
                return nil
            }
            for amount in words[1].split(separator: ",") {
                let pair = amount.split(separator: "=", maxSplits: 1).map(String.init)
                guard pair.count == 2, pair[0] == "memory" || pair[0].hasPrefix("hugepages-"),
                    let quantity = try? Quantity(pair[1]), quantity.sign >= 0
                else { return nil }
                memory[node, default: [:]][pair[0]] = quantity.value
            }
        }
        return memory
    }
}
