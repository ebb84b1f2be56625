import API
import APIMachinery
import Support

/// The condition `Available` of an APIService. Pure.
struct APIServiceCondition: Hashable, Sendable {
    var isTrue: Bool
    var reason: String
    var message: String

    init(_ isTrue: Bool, _ reason: String, _ message: String) {
        self.isTrue = isTrue
        self.reason = reason
        self.message = message
    }

    static let local = APIServiceCondition(true, "Local", "Local APIServices are always available")
    static let passed = APIServiceCondition(true, "Passed", "all checks passed")

    /// The condition that an object has; `nil` when it has none.
    init?(_ object: Value) {
        let conditions = object.at("status", "conditions")?.array ?? []
        guard let condition = conditions.first(where: { $0["type"] == "Available" }) else { return nil }
        self.init(
            condition["status"] == "True", condition["reason"]?.string ?? "", condition["message"]?.string ?? "")
    }

    /// The object with this condition. The time of transition changes with the status only.
    func set(in object: Value, at now: Timestamp) -> Value {
        var conditions = object.at("status", "conditions")?.array ?? []
        var condition: Value = [
            "type": "Available", "status": isTrue ? "True" : "False", "reason": .string(reason),
            "message": .string(message), "lastTransitionTime": .string(now.description),
        ]
        if let index = conditions.firstIndex(where: { $0["type"] == "Available" }) {
            if conditions[index]["status"] == condition["status"], let time = conditions[index]["lastTransitionTime"] {
                condition["lastTransitionTime"] = time
            }
            conditions[index] = condition
        } else {
            conditions.append(condition)
        }
        var new = object
        new[path: ["status", "conditions"]] = .array(conditions)
        return new
    }

    /// What stands in the way before anybody needs to be asked, as the service and its endpoints are; `nil` when
    /// nothing does.
    static func obstacle(
        to server: ExtensionServer, _ service: Service?, _ slices: [EndpointSlice]
    ) -> APIServiceCondition? {
        let (name, namespace) = (server.service.name, GoText.quoted(server.service.namespace))
        guard let service else {
            return APIServiceCondition(false, "ServiceNotFound", "service/\(name) in \(namespace) is not present")
        }
        guard service.spec.type == "ClusterIP" else { return nil }
        guard let port = service.spec.ports.first(where: { $0.port == server.port }) else {
            return APIServiceCondition(
                false, "ServicePortError", "service/\(name) in \(namespace) is not listening on port \(server.port)")
        }
        guard !slices.isEmpty else {
            return APIServiceCondition(
                false, "EndpointsNotFound", "cannot find endpointslices for service/\(name) in \(namespace)")
        }
        let isServed = slices.contains { slice in
            slice.ports.contains { ($0.name ?? "") == port.name }
                && slice.endpoints.contains { !$0.addresses.isEmpty && $0.conditions.ready ?? true }
        }
        guard !isServed else { return nil }
        return APIServiceCondition(
            false, "MissingEndpoints",
            "endpointslices for service/\(name) in \(namespace) have no addresses with port name "
                + GoText.quoted(port.name))
    }
}
