import API
import APIMachinery

/// Which EndpointSlices of a service to create, update and delete, so that they list its pods.
///
/// Slices are changed as little as possible: an endpoint stays in the slice that has it, new ones fill slices
/// with room, since each changed slice is sent to every node (KEP-752). Pure; its shell is
/// ``EndpointsController``.
struct EndpointSliceDecision: Sendable {
    enum Action: Hashable, Sendable {
        case create(EndpointSlice)
        case update(EndpointSlice)
        case delete(EndpointSlice)
    }

    static let serviceLabel = "kubernetes.io/service-name"
    static let managerLabel = "endpointslice.kubernetes.io/managed-by"
    static let manager = "endpointslice-controller.k8s.io"
    static let headlessLabel = "service.kubernetes.io/headless"
    /// Of endpoints in one slice.
    static let most = 100

    let backends: ServiceBackends
    /// The slices that this controller made for the service.
    let slices: [EndpointSlice]

    /// Slices of one key may share endpoints.
    fileprivate struct Key: Hashable {
        var addressType: String
        var ports: [EndpointPort]

        init(addressType: String, ports: [EndpointPort]) {
            self.addressType = addressType
            self.ports = ports.map { port in
                var port = port
                port.name = port.name ?? ""
                return port
            }
        }
    }

    var actions: [Action] {
        let wanted = endpoints
        var actions: [Action] = []
        var present = Dictionary(grouping: slices) { Key(addressType: $0.addressType, ports: $0.ports) }
        for (key, endpoints) in wanted.sorted(by: { $0.key.order < $1.key.order }) {
            actions += fit(endpoints, key, into: present.removeValue(forKey: key) ?? [])
        }
        let unused = present.values.flatMap(\.self).sorted { $0.metadata.name < $1.metadata.name }
        return actions + unused.map(Action.delete)
    }

    /// The endpoints by family and ports. A family without any has one empty slice, which says that the
    /// service is known.
    private var endpoints: [Key: [Endpoint]] {
        var result: [Key: [Endpoint]] = [:]
        let families = backends.service.spec.ipFamilies
        for family in families.isEmpty ? ["IPv4"] : families {
            var hasAny = false
            for pod in backends.pods {
                guard
                    let address = pod.addresses.first(where: {
                        ($0.utf8.contains(UInt8(ascii: ":"))) == (family == "IPv6")
                    })
                else { continue }
                hasAny = true
                let key = Key(addressType: family, ports: backends.ports(at: pod))
                result[key, default: []].append(endpoint(pod, address))
            }
            if !hasAny { result[Key(addressType: family, ports: [])] = [] }
        }
        return result
    }

    private func endpoint(_ pod: Pod, _ address: String) -> Endpoint {
        let isTerminating = pod.metadata.deletionTimestamp != nil
        let isServing = backends.service.spec.publishNotReadyAddresses || pod.isReady
        var endpoint = Endpoint()
        endpoint.addresses = [address]
        var conditions = EndpointConditions()
        conditions.ready = backends.service.spec.publishNotReadyAddresses || (isServing && !isTerminating)
        conditions.serving = isServing
        conditions.terminating = isTerminating
        endpoint.conditions = conditions
        endpoint.hostname = backends.hostname(of: pod)
        endpoint.targetRef = backends.reference(to: pod)
        endpoint.nodeName = pod.spec.nodeName.isEmpty ? nil : pod.spec.nodeName
        return endpoint
    }

    private func fit(_ endpoints: [Endpoint], _ key: Key, into present: [EndpointSlice]) -> [Action] {
        var missing = Dictionary(endpoints.map { ($0.identity, $0) }) { first, _ in first }
        var kept: [(slice: EndpointSlice, endpoints: [Endpoint])] = []
        for slice in present.sorted(by: { $0.metadata.name < $1.metadata.name }) {
            kept.append((slice, slice.endpoints.compactMap { missing.removeValue(forKey: $0.identity) }))
        }
        var rest = endpoints.filter { missing[$0.identity] != nil }[...]
        for index in kept.indices where !rest.isEmpty {
            let room = max(0, Self.most - kept[index].endpoints.count)
            kept[index].endpoints += rest.prefix(room)
            rest = rest.dropFirst(room)
        }
        var actions: [Action] = []
        var hasSlice = false
        for (slice, endpoints) in kept {
            // One empty slice stays when there is nothing to list at all.
            guard !endpoints.isEmpty || (missing.isEmpty && !hasSlice && kept.allSatisfy(\.endpoints.isEmpty))
            else {
                actions.append(.delete(slice))
                continue
            }
            hasSlice = true
            let updated = filled(slice, endpoints)
            if updated != slice { actions.append(.update(updated)) }
        }
        while !rest.isEmpty || !hasSlice {
            hasSlice = true
            actions.append(.create(filled(newSlice(key), Array(rest.prefix(Self.most)))))
            rest = rest.dropFirst(Self.most)
        }
        return actions
    }

    private func filled(_ slice: EndpointSlice, _ endpoints: [Endpoint]) -> EndpointSlice {
        var slice = slice
        var labels = backends.service.metadata.labels
        labels[Self.serviceLabel] = backends.service.metadata.name
        labels[Self.managerLabel] = Self.manager
        labels[Self.headlessLabel] = backends.isHeadless ? "" : nil
        if slice.metadata.labels != labels { slice.metadata.labels = labels }
        // The order says nothing; a slice that lists the same endpoints is left as it is.
        if Set(slice.endpoints) != Set(endpoints) { slice.endpoints = endpoints }
        return slice
    }

    private func newSlice(_ key: Key) -> EndpointSlice {
        let service = backends.service
        var slice = EndpointSlice(namespace: service.metadata.namespace, name: "")
        slice.metadata.name = ""
        slice.metadata.generateName = service.metadata.name + "-"
        slice.metadata.ownerReferences = [service.controllerReference]
        slice.addressType = key.addressType
        // Required, even when there are none.
        slice.value["endpoints"] = []
        slice.ports = key.ports
        return slice
    }
}

extension EndpointSliceDecision.Key {
    /// Any order that is the same each time.
    fileprivate var order: String { addressType + ports.map(\.description).joined() }
}

extension Endpoint {
    /// The same pod at the same address is the same endpoint.
    fileprivate var identity: String { (addresses.first ?? "") + "/" + (targetRef?.uid ?? "") }
}
