import API
import APIMachinery

/// What classes of devices give for the extended resources that a pod requests, on nodes that do not have them (KEP-5004).
///
/// One claim is made for all of them, once a node is chosen: which resources a node has itself, differs.
struct ExtendedDevices: Sendable {
    /// Devices that a claim asks for.
    struct Ask: Hashable, Sendable {
        var name: String
        var resource: String
        var count: Int
    }

    /// Which container has what of a claim (`ContainerExtendedResourceRequest`).
    struct Mapping: Hashable, Sendable {
        var container: String
        var resource: String
        var ask: String
    }

    struct Share: Hashable, Sendable {
        var asks: [Ask] = []
        var mappings: [Mapping] = []
    }

    let requests: [ExtendedRequest]
    /// By resource, how one device for it is had.
    let ways: [String: DeviceNeed.Way]

    /// Set to "true" at claims that are made for extended resources.
    static let annotation = "resource.kubernetes.io/extended-resource-claim"
    /// Names a claim that is not made yet. No object can have it.
    private static let name = "<extended-resources>"

    /// What devices must give on a node; `nil` when it has all resources itself.
    func share(on node: NodeFacts) -> Share? {
        let missing = ways.keys.filter { node.allocatable[$0] == 0 }.sorted()
        guard !missing.isEmpty else { return nil }
        var share = Share()
        for resource in missing { add(requests.filter { $0.resource == resource }, to: &share) }
        share.asks.sort { $0.name < $1.name }
        return share
    }

    /// Containers that stay have devices of their own. Those that end before use what later ones will have; what they need
    /// beyond that is asked for once, as they run one after the other.
    private func add(_ requests: [ExtendedRequest], to share: inout Share) {
        let staying = requests.filter { !$0.isShortLived }
        var (mappings, most, own): ([Mapping], Ask?, Set<String>) = ([], nil, [])
        for request in requests where request.isShortLived {
            func map(_ ask: String) {
                mappings.append(Mapping(container: request.container, resource: request.resource, ask: ask))
            }
            var rest = request.amount
            for later in staying where later.index > request.index && rest > 0 {
                map(later.ask)
                rest -= later.amount
            }
            guard rest > 0 else { continue }
            map(request.ask)
            own.insert(request.ask)
            if rest > most?.count ?? 0 { most = Ask(name: request.ask, resource: request.resource, count: rest) }
        }
        if let most { for index in mappings.indices where own.contains(mappings[index].ask) { mappings[index].ask = most.name } }
        share.asks += staying.map { Ask(name: $0.ask, resource: $0.resource, count: $0.amount) } + [most].compactMap(\.self)
        share.mappings += staying.map { Mapping(container: $0.container, resource: $0.resource, ask: $0.ask) } + mappings
    }

    func need(_ share: Share, namespace: String) -> DeviceNeed {
        let requests = share.asks.compactMap { ask -> DeviceNeed.Request? in
            guard var way = ways[ask.resource] else { return nil }
            (way.name, way.count) = (ask.name, ask.count)
            return DeviceNeed.Request(name: ask.name, ways: [way])
        }
        return DeviceNeed(claim: ObjectName(namespace: namespace, name: Self.name), requests: requests)
    }

    /// The claim to be made. It goes with its pod.
    func claim(_ share: Share, for pod: PodFacts) -> Value {
        let requests = share.asks.map { ask -> Value in
            let exactly: Value = [
                "deviceClassName": .string(ways[ask.resource]?.className ?? ""), "allocationMode": "ExactCount",
                "count": .integer(Int64(ask.count)),
            ]
            return ["name": .string(ask.name), "exactly": exactly]
        }
        let owner: Value = [
            "apiVersion": "v1", "kind": "Pod", "name": .string(pod.name.name), "uid": .string(pod.uid), "controller": true,
        ]
        let metadata: Value = [
            "generateName": .string(pod.name.name + "-extended-resources-"), "namespace": .string(pod.name.namespace),
            "annotations": .object(Fields([(Self.annotation, "true")])), "ownerReferences": [owner],
        ]
        return [
            "apiVersion": .string(GroupVersionResource.resourceClaims.apiVersion), "kind": "ResourceClaim",
            "metadata": metadata, "spec": ["devices": ["requests": .array(requests)]],
        ]
    }
}

extension ExtendedDevices.Mapping {
    var value: Value {
        ["containerName": .string(container), "resourceName": .string(resource), "requestName": .string(ask)]
    }
}

extension ExtendedRequest {
    /// The name of the request that stands for it in a claim.
    fileprivate var ask: String { "container-\(index)-request-\(position)" }
}
