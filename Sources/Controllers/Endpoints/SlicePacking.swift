import API
import APIMachinery
import Support

/// Puts endpoints into EndpointSlices: which slices to create, update and delete, so that they list what is wanted.
///
/// Slices are changed as little as possible: an endpoint stays in the slice that has it, new ones fill slices
/// with room, since each changed slice is sent to every node (KEP-752). Pure.
struct SlicePacking: Sendable {
    enum Action: Hashable, Sendable {
        case create(EndpointSlice)
        case update(EndpointSlice)
        case delete(EndpointSlice)
    }

    /// Slices of one key may share endpoints.
    struct Key: Hashable {
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

        /// Any order that is the same each time.
        fileprivate var order: String { addressType + ports.map(\.description).joined() }
    }

    static let triggerAnnotation = "endpoints.kubernetes.io/last-change-trigger-time"

    /// The object that the slices are made of, their namesake.
    let owner: OwnerReference
    let namespace: String
    let labels: [String: String]
    /// `nil` leaves annotations as they are.
    var annotations: [String: String]?
    /// Endpoints in one slice.
    var most = 100
    /// When that happened which makes slices change, as far as is known; what changes is marked with it.
    var trigger: Timestamp?

    /// - Parameters:
    ///   - wanted: An empty list makes one empty slice, which says that the service is known.
    ///   - present: The slices of this owner and maker.
    func actions(for wanted: [Key: [Endpoint]], over present: [EndpointSlice]) -> [Action] {
        var actions: [Action] = []
        var present = Dictionary(grouping: present) { Key(addressType: $0.addressType, ports: $0.ports) }
        for (key, endpoints) in wanted.sorted(by: { $0.key.order < $1.key.order }) {
            actions += fit(endpoints, key, into: present.removeValue(forKey: key) ?? [])
        }
        let unused = present.values.flatMap(\.self).sorted { $0.metadata.name < $1.metadata.name }
        return actions + unused.map(Action.delete)
    }

    private func fit(_ endpoints: [Endpoint], _ key: Key, into present: [EndpointSlice]) -> [Action] {
        var missing = Dictionary(endpoints.map { ($0.identity, $0) }) { first, _ in first }
        var kept: [(slice: EndpointSlice, endpoints: [Endpoint])] = []
        for slice in present.sorted(by: { $0.metadata.name < $1.metadata.name }) {
            kept.append((slice, slice.endpoints.compactMap { missing.removeValue(forKey: $0.identity) }))
        }
        var rest = endpoints.filter { missing[$0.identity] != nil }[...]
        for index in kept.indices where !rest.isEmpty {
            let room = max(0, most - kept[index].endpoints.count)
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
            if updated != slice { actions.append(.update(marked(updated))) }
        }
        while !rest.isEmpty || !hasSlice {
            hasSlice = true
            actions.append(.create(marked(filled(newSlice(key), Array(rest.prefix(most))))))
            rest = rest.dropFirst(most)
        }
        return actions
    }

    private func filled(_ slice: EndpointSlice, _ endpoints: [Endpoint]) -> EndpointSlice {
        var slice = slice
        if slice.metadata.labels != labels { slice.metadata.labels = labels }
        if var wanted = annotations {
            wanted[Self.triggerAnnotation] = slice.metadata.annotations[Self.triggerAnnotation]
            if slice.metadata.annotations != wanted { slice.metadata.annotations = wanted }
        }
        // The order says nothing; a slice that lists the same endpoints is left as it is.
        if Set(slice.endpoints) != Set(endpoints) { slice.endpoints = endpoints }
        return slice
    }

    private func marked(_ slice: EndpointSlice) -> EndpointSlice {
        var slice = slice
        let text = trigger.map { $0.format(fractionDigits: $0.nanoseconds == 0 ? 0 : 9) }
        if slice.metadata.annotations[Self.triggerAnnotation] != text {
            slice.metadata.annotations[Self.triggerAnnotation] = text
        }
        return slice
    }

    private func newSlice(_ key: Key) -> EndpointSlice {
        var slice = EndpointSlice(namespace: namespace, name: "")
        slice.metadata.name = ""
        slice.metadata.generateName = owner.name + "-"
        slice.metadata.ownerReferences = [owner]
        slice.addressType = key.addressType
        // Required, even when there are none.
        slice.value["endpoints"] = []
        slice.ports = key.ports
        return slice
    }
}

extension Endpoint {
    /// The same pod at the same address is the same endpoint.
    fileprivate var identity: String { (addresses.first ?? "") + "/" + (targetRef?.uid ?? "") }
}
