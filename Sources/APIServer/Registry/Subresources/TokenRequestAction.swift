import API
import APIMachinery
import Client
import Support

/// `serviceaccounts/NAME/token`: a token for the account (`authentication.k8s.io/v1.TokenRequest`).
struct TokenRequestAction: ResourceAction {
    let tokens: ServiceAccountTokens

    private static let kind = GroupVersionKind(group: "authentication.k8s.io", version: "v1", kind: "TokenRequest")
    /// The shortest lifetime that may be asked for, in seconds, as in Kubernetes.
    private static let shortest: Int64 = 600

    func perform(_ call: Verbs.Call, _ body: Value, _ api: Verbs) async throws(Status) -> Value {
        let account = try api.registry.store(.serviceAccounts).get(call.target.objectName)
        let seconds = body.at("spec", "expirationSeconds")?.integer ?? 3600
        guard seconds >= Self.shortest, seconds <= 1 << 32 else {
            let detail =
                seconds < Self.shortest
                ? "may not specify a duration less than 10 minutes" : "may not specify a duration larger than 2^32 seconds"
            throw .invalid(
                Self.kind, call.target.name,
                [.invalid("spec.expirationSeconds", value: .integer(seconds), detail)])
        }
        let audiences = (body.at("spec", "audiences")?.array ?? []).compactMap(\.string)
        let binding = try binding(body.at("spec", "boundObjectRef"), account, api)
        var answer = body
        do throws(Fault) {
            let (token, expires) = try tokens.issue(
                for: account, audiences: audiences, lifetime: .seconds(seconds), binding: binding)
            answer["status"] = ["token": .string(token), "expirationTimestamp": .string(expires.description)]
        } catch {
            throw .internalError(error.summary)
        }
        if audiences.isEmpty { answer[path: ["spec", "audiences"]] = Value(tokens.audiences) }
        answer[path: ["spec", "expirationSeconds"]] = .integer(seconds)
        answer[path: ["metadata", "name"]] = .string(account.name)
        answer[path: ["metadata", "namespace"]] = .string(account.namespace)
        return answer
    }

    /// What the token shall be bound to must exist, and be the one that is meant.
    private func binding(
        _ reference: Value?, _ account: StoredObject, _ api: Verbs
    ) throws(Status) -> ServiceAccountTokens.Binding? {
        guard let reference, !reference.isNull else { return nil }
        let kind = reference["kind"]?.string ?? ""
        let name = reference["name"]?.string ?? ""
        let resource: GroupVersionResource
        switch kind {
        case "Pod": resource = .pods
        case "Secret": resource = .secrets
        case "Node": resource = .nodes
        default: throw .badRequest("cannot bind token to object of type \(kind)")
        }
        let namespace = resource == .nodes ? "" : account.namespace
        let object = try api.registry.store(resource).get(ObjectName(namespace: namespace, name: name))
        if let uid = reference["uid"]?.string, !uid.isEmpty, uid != object.uid {
            throw .conflict(
                resource, name, "the UID in the bound object reference (\(uid)) does not match the UID in record")
        }
        if kind == "Pod", object.field("spec.serviceAccountName") != account.name {
            throw .badRequest("cannot bind token for serviceaccount \"\(account.name)\" to pod running with different serviceaccount name.")
        }
        return ServiceAccountTokens.Binding(kind: kind, name: name, uid: object.uid)
    }
}
