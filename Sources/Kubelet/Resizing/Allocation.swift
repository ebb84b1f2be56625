import API
import APIMachinery

/// What a pod and its containers, by name, were given on this node. It is not what the pod asks for while a
/// resize is not granted (KEP 1287, "Resource States").
struct Allocation: Hashable, Sendable {
    /// The name of the pod as a whole among its containers, none of which has it.
    private static let whole = ""

    private(set) var resources: [String: ResourceRequirements]
    /// What the pod has as a whole (KEP 2837); `nil` where it asks for nothing itself.
    private(set) var own: ResourceRequirements?

    /// All that the pod asks for.
    init(_ spec: PodSpec) {
        own = Self.own(spec)
        let containers = spec.initContainers + spec.containers
        resources = Dictionary(containers.map { ($0.name, $0.resources) }) { first, _ in first }
    }

    /// What the instances in the runtime were made with, and what the pod asks for where there is none.
    init(_ spec: PodSpec, runtime: RuntimePod) {
        self.init(spec)
        for name in resources.keys {
            if let made = runtime.newest(name)?.madeWith { resources[name] = made }
        }
        // Of a pod that was given some of its own since then, its containers tell nothing.
        if let newest = runtime.containers.first(where: { resources[$0.name] != nil }) { own = newest.podMadeWith }
    }

    private static func own(_ spec: PodSpec) -> ResourceRequirements? {
        spec.resources.flatMap { $0.value.isEmptyObject ? nil : $0 }
    }

    /// As ``json`` wrote it; `nil` for anything else.
    init?(json: [UInt8]) {
        guard let fields = (try? Value(json: json))?.fields else { return nil }
        resources = [:]
        for (name, value) in fields { resources[name] = ResourceRequirements(value) }
        own = resources.removeValue(forKey: Self.whole)
    }

    var json: [UInt8] {
        var all = resources
        all[Self.whole] = own
        return Value.object(Fields(all.sorted { $0.key < $1.key }.map { ($0.key, $0.value.value) })).json
    }

    /// The pod with what it has in the place of what it asks for.
    func applied(to pod: Pod) -> Pod {
        guard self != Allocation(pod.spec) else { return pod }
        var pod = pod
        if own != Self.own(pod.spec) { pod.spec.resources = own }
        pod.spec.initContainers = pod.spec.initContainers.map(applied)
        pod.spec.containers = pod.spec.containers.map(applied)
        return pod
    }

    private func applied(to container: Container) -> Container {
        guard let own = resources[container.name], own != container.resources else { return container }
        var container = container
        container.resources = own
        return container
    }
}

/// What pods are counted by: the sum of their requests.
struct ResourceAmounts: Hashable, Sendable {
    /// Thousandths of a core.
    var processors: Int64
    /// Bytes.
    var memory: Int64

    init(processors: Int64, memory: Int64) {
        self.processors = processors
        self.memory = memory
    }

    /// As the scheduler counts it: the pod's own requests where it has some (KEP 2837), else those of its
    /// containers together; and what its RuntimeClass costs.
    init(of spec: PodSpec) {
        processors = Self.amount("cpu", spec)
        memory = Self.amount("memory", spec)
    }

    private static func amount(_ name: String, _ spec: PodSpec) -> Int64 {
        let own = spec.resources?.amount(name, of: \.requests)
        let sum = own ?? CgroupValues.total(spec) { $0.amount(name, of: \.requests) ?? 0 } ?? 0
        var overhead = ResourceRequirements()
        overhead.requests = spec.overhead
        return Int64(clamping: Int128(sum) + Int128(overhead.amount(name, of: \.requests) ?? 0))
    }
}
