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
    private static let usual: Int64 = 3600
    /// What the volumes that pods get by themselves ask for: nobody else is likely to ask for just this.
    private static let markOfOwnVolumes: Int64 = 3607
    private static let extended: Int64 = 365 * 24 * 3600

    func perform(_ call: Verbs.Call, _ body: Value, _ api: Verbs) async throws(Status) -> Value {
        let account = try api.registry.store(.serviceAccounts).get(call.target.objectName)
        try checkIdentity(body, account)
        let seconds = try lifetime(body, call.notes)
        let audiences = (body.at("spec", "audiences")?.array ?? []).compactMap(\.string)
        var grant = ServiceAccountTokens.Grant(account: account, audiences: audiences, lifetime: .seconds(seconds))
        try bind(&grant, body.at("spec", "boundObjectRef"), api)
        if tokens.options.extendsLifetime, grant.binding?.kind == "Pod", seconds == Self.markOfOwnVolumes,
            audiences.allSatisfy(tokens.audiences.contains)
        {
            (grant.warnsAfter, grant.lifetime) = (.seconds(seconds), .seconds(Self.extended))
        }
        var answer = body
        do throws(Fault) {
            let (token, id) = try tokens.issue(grant)
            call.notes.annotate("authentication.kubernetes.io/issued-credential-id", "JTI=" + id)
            let expires = tokens.now() + .seconds(seconds)
            answer["status"] = ["token": .string(token), "expirationTimestamp": .string(expires.description)]
        } catch {
            throw .internalError(error.summary)
        }
        if audiences.isEmpty { answer[path: ["spec", "audiences"]] = Value(tokens.audiences) }
        answer[path: ["spec", "expirationSeconds"]] = .integer(seconds)
        answer[path: ["metadata", "name"]] = .string(account.name)
        answer[path: ["metadata", "namespace"]] = .string(account.namespace)
        answer[path: ["metadata", "uid"]] = .string(account.uid)
        answer[path: ["metadata", "creationTimestamp"]] = .string(api.now().description)
        return answer
    }

    /// What the request says of itself must be what it says of the account.
    private func checkIdentity(_ body: Value, _ account: StoredObject) throws(Status) {
        func said(_ key: String) -> String? { body.at("metadata", key)?.string.flatMap { $0.isEmpty ? nil : $0 } }
        if let name = said("name"), name != account.name {
            throw .invalid(
                Self.kind, account.name,
                [.invalid("metadata.name", value: .string(name), "must match the service account name if specified")])
        }
        if let uid = said("uid"), uid != account.uid {
            throw .conflict(
                GroupVersionResource(group: Self.kind.group, version: Self.kind.version, resource: Self.kind.kind),
                account.name,
                "the UID in the token request (\(uid)) does not match the UID of the service account (\(account.uid))")
        }
    }

    /// In seconds. Whoever gets less than he asked for is told.
    private func lifetime(_ body: Value, _ notes: AdmissionNotes) throws(Status) -> Int64 {
        let seconds = body.at("spec", "expirationSeconds")?.integer ?? Self.usual
        guard seconds >= Self.shortest, seconds <= 1 << 32 else {
            let detail =
                seconds < Self.shortest
                ? "may not specify a duration less than 10 minutes" : "may not specify a duration larger than 2^32 seconds"
            throw .invalid(
                Self.kind, "", [.invalid("spec.expirationSeconds", value: .integer(seconds), detail)])
        }
        guard let most = tokens.options.maximumLifetime?.components.seconds, seconds > most else { return seconds }
        notes.warn("requested expiration of \(seconds) seconds shortened to \(most) seconds")
        return most
    }

    /// What the token shall be bound to must exist, and be the one that is meant.
    private func bind(
        _ grant: inout ServiceAccountTokens.Grant, _ reference: Value?, _ api: Verbs
    ) throws(Status) {
        guard let reference, !reference.isNull else { return }
        let kind = reference["kind"]?.string ?? ""
        let version = reference["apiVersion"]?.string ?? ""
        let name = reference["name"]?.string ?? ""
        let resource: GroupVersionResource
        switch version.contains("/") ? "" : kind {
        case "Pod": resource = .pods
        case "Secret": resource = .secrets
        case "Node": resource = .nodes
        default:
            let type = version.contains("/") ? version : "/" + version
            throw .badRequest("cannot bind token to object of type \(type), Kind=\(kind)")
        }
        let namespace = resource == .nodes ? "" : grant.account.namespace
        let object = try api.registry.store(resource).get(ObjectName(namespace: namespace, name: name))
        if let uid = reference["uid"]?.string, !uid.isEmpty, uid != object.uid {
            // Kubernetes names the kind where a resource belongs.
            throw .conflict(
                GroupVersionResource(group: "", version: "v1", resource: kind), name,
                "the UID in the bound object reference (\(uid)) does not match the UID in record. The object might have been deleted and then recreated")
        }
        if kind == "Pod" {
            guard object.field("spec.serviceAccountName") == grant.account.name else {
                throw .badRequest(
                    "cannot bind token for serviceaccount \"\(grant.account.name)\" to pod running with different serviceaccount name.")
            }
            let node = object.field("spec.nodeName")
            if !node.isEmpty {
                let uid = (try? api.registry.store(.nodes).get(ObjectName(name: node)))?.uid ?? ""
                grant.node = (node, uid)
            }
        }
        grant.binding = ServiceAccountTokens.Binding(kind: kind, name: name, uid: object.uid)
    }
}
