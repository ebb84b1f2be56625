import API
import APIMachinery

/// The pods behind a service: what both EndpointSlices and Endpoints are made from.
struct ServiceBackends: Sendable {
    let service: Service
    let pods: [Pod]
    /// The zones of the pods' nodes, as far as they have one.
    let zones: [String: String]
    /// From where each pod is to be used.
    let hints: TopologyHints

    /// - Parameters:
    ///   - pods: Those that the service selects, in any state.
    ///   - zones: Zones by node.
    ///   - shares: For a service whose endpoints are to be spread by what zones can do.
    init(service: Service, pods: [Pod], zones: [String: String] = [:], shares: ZoneShares? = nil) {
        self.service = service
        self.zones = zones
        hints = TopologyHints(service, shares: shares)
        self.pods = pods.filter { !$0.isFinished && !$0.addresses.isEmpty }.sorted {
            $0.metadata.name < $1.metadata.name
        }
    }

    var isHeadless: Bool { service.spec.clusterIP == "None" }

    /// The ports of the service at this pod. A port that the pod names nowhere is left out.
    func ports(at pod: Pod) -> [EndpointPort] {
        let ports = service.spec.ports
        let named = ports.contains { $0.targetPort.string != nil } ? Self.namedPorts(of: pod) : [:]
        return ports.compactMap { port in
            guard let number = Self.target(of: port, named) else { return nil }
            var resolved = EndpointPort()
            resolved.name = port.name
            resolved.port = number
            resolved.protocol = port.protocol.isEmpty ? "TCP" : port.protocol
            resolved.appProtocol = port.appProtocol
            return resolved
        }
    }

    func reference(to pod: Pod) -> ObjectReference {
        var reference = ObjectReference()
        reference.kind = Pod.kind
        reference.namespace = pod.metadata.namespace
        reference.name = pod.metadata.name
        reference.uid = pod.metadata.uid
        return reference
    }

    /// The name that DNS gives the pod below a headless service.
    func hostname(of pod: Pod) -> String? {
        let isOwn = !pod.spec.hostname.isEmpty && pod.spec.subdomain == service.metadata.name
        return isOwn ? pod.spec.hostname : nil
    }

    private struct PortName: Hashable {
        var name: String
        var `protocol`: String

        init(_ name: String, _ written: String) {
            self.name = name
            `protocol` = written.isEmpty ? "TCP" : written
        }
    }

    private static func target(of port: ServicePort, _ named: [PortName: Int]) -> Int? {
        switch IntOrString(json: port.targetPort) {
        case .int(let number): number > 0 ? Int(number) : port.port
        case .string(let name): named[PortName(name, port.protocol)]
        case nil: port.port
        }
    }

    /// The numbers of a pod's ports; of equal names the first counts.
    private static func namedPorts(of pod: Pod) -> [PortName: Int] {
        let restartable = pod.spec.initContainers.filter { $0.restartPolicy == "Always" }
        let ports = (restartable + pod.spec.containers).flatMap(\.ports)
        return Dictionary(ports.map { (PortName($0.name, $0.protocol), $0.containerPort) }) { first, _ in first }
    }
}

extension Pod {
    /// All its addresses, the first one first.
    var addresses: [String] {
        let all = status.podIPs.map(\.ip)
        return all.isEmpty && !status.podIP.isEmpty ? [status.podIP] : all
    }

    /// Its address of a family, `IPv4` or `IPv6`.
    func address(of family: String) -> String? {
        addresses.first { $0.utf8.contains(UInt8(ascii: ":")) == (family == "IPv6") }
    }
}
