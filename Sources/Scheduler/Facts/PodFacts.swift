import API
import APIMachinery

/// What a decision needs to know of a pod, read once.
struct PodFacts: Sendable {
    /// A port of the node that a container takes for itself.
    struct HostPort: Hashable, Sendable {
        /// `0.0.0.0` stands for every address.
        var address: String
        var networkProtocol: String
        var port: Int

        func conflicts(with other: HostPort) -> Bool {
            port == other.port && networkProtocol == other.networkProtocol
                && (address == other.address || address == "0.0.0.0" || other.address == "0.0.0.0")
        }
    }

    var name: ObjectName
    var uid: String
    /// Of its spec: a pod on a node may still be resized.
    var generation: Int
    var requests: ResourceAmounts
    var hostPorts: [HostPort]
    var nodeSelector: [String: String]
    /// Any of these must match; empty when every node does, `nil` terms never match.
    var requiredNodes: NodeSelector?
    var preferredNodes: [(weight: Int, term: NodeSelectorTerm)]
    var tolerations: [Toleration]
    /// The claims whose volumes the pod uses, and whether each is made for this pod alone.
    var claims: [(name: String, isEphemeral: Bool)]
    var gates: [String]

    init(_ pod: Pod) {
        let spec = pod.spec
        name = pod.objectName
        uid = pod.metadata.uid
        generation = pod.metadata.generation
        requests = Self.requests(of: spec)
        hostPorts = Self.hostPorts(of: spec)
        nodeSelector = spec.nodeSelector
        let affinity = spec.affinity?.nodeAffinity
        requiredNodes = affinity?.requiredDuringSchedulingIgnoredDuringExecution.flatMap {
            try? NodeSelector($0.value)
        }
        preferredNodes = (affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).compactMap {
            preferred in
            (try? NodeSelectorTerm(preferred.preference.value)).map { (preferred.weight, $0) }
        }
        tolerations = spec.tolerations
        claims = spec.volumes.compactMap { volume in
            pod.claimName(of: volume).map { ($0, volume.ephemeral != nil) }
        }
        gates = (spec.value["schedulingGates"]?.array ?? []).compactMap { $0["name"]?.string }
    }

    /// Sidecars run beside the containers (KEP-753); other init containers end before those begin.
    private static func hostPorts(of spec: PodSpec) -> [HostPort] {
        let running = spec.initContainers.filter { $0.restartPolicy == "Always" } + spec.containers
        return running.flatMap(\.ports).filter { $0.hostPort > 0 }.map {
            HostPort(
                address: $0.hostIP.isEmpty ? "0.0.0.0" : $0.hostIP,
                networkProtocol: $0.protocol.isEmpty ? "TCP" : $0.protocol, port: $0.hostPort)
        }
    }

    /// What the pod needs at once: the sum of its containers, or its largest init container if that is more;
    /// sidecars count with both (KEP-753); and what its runtime costs.
    private static func requests(of spec: PodSpec) -> ResourceAmounts {
        var running = ResourceAmounts()
        for container in spec.containers { running += ResourceAmounts(container.resources.requests) }
        var starting = ResourceAmounts()
        var sidecars = ResourceAmounts()
        for container in spec.initContainers {
            let own = ResourceAmounts(container.resources.requests)
            let isSidecar = container.restartPolicy == "Always"
            if isSidecar { sidecars += own }
            // Of nothing else is more taken than before.
            for (name, amount) in own.amounts {
                starting[name] = max(starting[name], sidecars[name] + (isSidecar ? 0 : amount))
            }
        }
        running += sidecars
        running.raise(to: starting)
        running += ResourceAmounts(spec.value["overhead"]?.strings ?? [:])
        return running
    }
}
