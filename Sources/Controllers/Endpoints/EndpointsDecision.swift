import API
import APIMachinery

/// The Endpoints object of a service: the older form of its slices, still read by many clients.
struct EndpointsDecision: Sendable {
    static let managerLabel = "endpoints.kubernetes.io/managed-by"
    static let manager = "endpoint-controller"

    let backends: ServiceBackends

    /// What the object shall be, made from `present` so that what others wrote there stays.
    func wanted(over present: Endpoints?) -> Endpoints {
        let service = backends.service
        var object = present ?? Endpoints(namespace: service.metadata.namespace, name: service.metadata.name)
        var labels = service.metadata.labels
        labels[Self.managerLabel] = Self.manager
        labels[EndpointSliceDecision.headlessLabel] = backends.isHeadless ? "" : nil
        if object.metadata.labels != labels { object.metadata.labels = labels }
        let subsets = subsets
        if object.subsets != subsets { object.subsets = subsets }
        return object
    }

    /// Pods with the same ports share a subset.
    private var subsets: [EndpointSubset] {
        let publishesAll = backends.service.spec.publishNotReadyAddresses
        let pods = backends.pods.filter { publishesAll || $0.metadata.deletionTimestamp == nil }
        let groups = Dictionary(grouping: pods) { backends.ports(at: $0) }
        let ordered = groups.sorted { $0.key.description < $1.key.description }
        return ordered.compactMap { ports, pods in
            var subset = EndpointSubset()
            subset.addresses = pods.filter { publishesAll || $0.isReady }.compactMap(address)
            subset.notReadyAddresses = pods.filter { !publishesAll && !$0.isReady }.compactMap(address)
            subset.ports = ports.map { CoreV1EndpointPort($0.plain) }
            return subset.addresses.isEmpty && subset.notReadyAddresses.isEmpty ? nil : subset
        }
    }

    private func address(_ pod: Pod) -> EndpointAddress? {
        guard let ip = pod.addresses.first else { return nil }
        var address = EndpointAddress()
        address.ip = ip
        address.hostname = backends.hostname(of: pod) ?? ""
        address.nodeName = pod.spec.nodeName.isEmpty ? nil : pod.spec.nodeName
        address.targetRef = backends.reference(to: pod)
        return address
    }
}

extension EndpointPort {
    /// The form of core/v1, which leaves an empty name out.
    fileprivate var plain: Value {
        var value = value
        if name?.isEmpty == true { value["name"] = nil }
        return value
    }
}
