import API
import APIMachinery
import Client
import Support

/// Requests for certificates: the server notes who asks, what is asked for stays, and only `approval` decides.
struct CertificateRequestStrategy: ResourceStrategy {
    let now: @Sendable () -> Timestamp

    private static let decisions = ["Approved", "Denied"]

    func prepareForCreate(_ object: inout Value, _ request: WriteRequest) {
        let user = request.user
        object[path: ["spec", "username"]] = user.name.isEmpty ? nil : .string(user.name)
        object[path: ["spec", "uid"]] = user.uid.isEmpty ? nil : .string(user.uid)
        object[path: ["spec", "groups"]] = user.groups.isEmpty ? nil : Value(user.groups)
        let extra = Fields(user.extra.sorted { $0.key < $1.key }.map { ($0.key, Value($0.value)) })
        object[path: ["spec", "extra"]] = extra.isEmpty ? nil : .object(extra)
    }

    func prepareForUpdate(
        _ object: inout Value, over current: Value, _ request: WriteRequest
    ) throws(Status) {
        object["spec"] = current["spec"]
        let old = current.at("status", "conditions")?.array ?? []
        guard var conditions = object.at("status", "conditions")?.array else { return }
        // Whoever may sign may not approve by that.
        if request.target.subresource == "status" { try keepDecisions(of: current, in: &conditions, object) }
        let time = Value.string(now().description)
        for index in conditions.indices {
            if conditions[index]["lastUpdateTime"] == nil { conditions[index]["lastUpdateTime"] = time }
            guard conditions[index]["lastTransitionTime"] == nil else { continue }
            let same = old.first {
                $0["type"] == conditions[index]["type"] && $0["status"] == conditions[index]["status"]
            }
            conditions[index]["lastTransitionTime"] = same?["lastTransitionTime"] ?? time
        }
        object[path: ["status", "conditions"]] = .array(conditions)
    }

    private func keepDecisions(
        of current: Value, in conditions: inout [Value], _ object: Value
    ) throws(Status) {
        let old = current.at("status", "conditions")?.array ?? []
        for type in Self.decisions {
            let before = old.filter { $0["type"]?.string == type }
            let places = conditions.indices.filter { conditions[$0]["type"]?.string == type }
            guard places.count == before.count else {
                let act = places.count > before.count ? "add" : "remove"
                throw .invalid(
                    GroupVersionKind(group: "certificates.k8s.io", version: "v1", kind: "CertificateSigningRequest"),
                    object.at("metadata", "name")?.string ?? "",
                    [.forbidden("status.conditions", "updates may not \(act) a condition of type \"\(type)\"")])
            }
            for (place, condition) in zip(places, before) { conditions[place] = condition }
        }
    }
}
