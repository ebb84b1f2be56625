import API
import APIMachinery

/// What a container requests of a resource that a class of devices may stand for, such as `example.com/gpu` (KEP-5004).
struct ExtendedRequest: Hashable, Sendable {
    /// Of the container among the pod's, init containers first.
    var index: Int
    var container: String
    /// Whether it has ended before those that stay begin, so that it can use what they will have.
    var isShortLived: Bool
    var resource: String
    /// Of the resource among all that the container requests, by name.
    var position: Int
    var amount: Int

    /// In the order of the containers. What is requested zero times is left out.
    static func all(of spec: Value) -> [ExtendedRequest] {
        let first = spec["initContainers"]?.array ?? []
        var requests: [ExtendedRequest] = []
        for (index, container) in (first + (spec["containers"]?.array ?? [])).enumerated() {
            guard let asked = container.at("resources", "requests")?.strings,
                asked.keys.contains(where: { ComputeResource($0).isOfDevices })
            else { continue }
            for (position, resource) in asked.keys.sorted().enumerated() where ComputeResource(resource).isOfDevices {
                let amount = (try? Quantity(asked[resource] ?? ""))?.value ?? 0
                guard amount > 0 else { continue }
                requests.append(
                    ExtendedRequest(
                        index: index, container: container["name"]?.string ?? "",
                        isShortLived: index < first.count && container["restartPolicy"]?.string != "Always",
                        resource: resource, position: position, amount: Int(Int32(clamping: amount))))
            }
        }
        return requests
    }
}
