import API
import APIMachinery

/// What the containers of a pod ask for alone: a pod of the class `Guaranteed` has its processors and its
/// memory for itself (Kubernetes documentation, "Control CPU Management Policies on the Node", "Utilizing the
/// NUMA-aware Memory Manager").
struct ContainerDemand: Sendable {
    private let spec: PodSpec
    private let isGuaranteed: Bool

    init(_ pod: Pod) {
        spec = pod.spec
        // What a pod has as a whole cannot be told apart by its containers.
        isGuaranteed =
            QualityOfService(pod) == .guaranteed && (pod.spec.resources?.value.isEmptyObject ?? true)
    }

    /// Whole processors; 0 for a container that shares.
    func processors(_ container: Container) -> Int {
        guard isGuaranteed, let milli = amount("cpu", container), milli > 0, milli % 1000 == 0 else {
            return 0
        }
        return Int(clamping: milli / 1000)
    }

    /// Bytes by resource; empty for a container whose memory may lie anywhere.
    func memory(_ container: Container) -> [String: Int64] {
        guard isGuaranteed else { return [:] }
        let names = Set(container.resources.requests.keys).union(container.resources.limits.keys)
        var amounts: [String: Int64] = [:]
        for name in names where name == "memory" || name.hasPrefix("hugepages-") {
            amounts[name] = amount(name, container)
        }
        return amounts
    }

    private func amount(_ name: String, _ container: Container) -> Int64? {
        container.resources.amount(name, of: \.requests) ?? container.resources.amount(name, of: \.limits)
    }

    var podProcessors: Int { Int(clamping: most { Int64(processors($0)) }) }

    /// As Kubernetes has it, kinds that only init containers ask for are left out.
    var podMemory: [String: Int64] {
        let names = Set(spec.containers.flatMap { memory($0).keys })
        return Dictionary(uniqueKeysWithValues: names.map { name in (name, most { memory($0)[name] ?? 0 }) })
    }

    /// What is needed at once at most: init containers run one at a time, beside the sidecars before them.
    func most(_ amount: (Container) -> Int64) -> Int64 {
        var (sidecars, initial) = (Int128(0), Int128(0))
        for container in spec.initContainers {
            let own = Int128(amount(container))
            if container.restartPolicy == "Always" {
                sidecars += own
            } else {
                initial = max(initial, sidecars + own)
            }
        }
        let regular = spec.containers.reduce(Int128(0)) { $0 + Int128(amount($1)) }
        return Int64(clamping: max(initial, regular + sidecars))
    }
}
