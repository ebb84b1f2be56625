import API
import APIMachinery
import Client

/// The reviews: questions to authentication and authorisation that are asked by POST and answered in the status.
enum Reviews {
    static func actions(_ access: AccessControl, tokens: TokenChain, audiences: [String]) -> [ActionName: any ResourceAction] {
        func name(_ group: String, _ resource: String) -> ActionName {
            ActionName(resource: GroupVersionResource(group: group, version: "v1", resource: resource))
        }
        return [
            name("authorization.k8s.io", "subjectaccessreviews"):
                AccessReview(authorizer: access.authorizer, asksForSelf: false),
            name("authorization.k8s.io", "localsubjectaccessreviews"):
                AccessReview(authorizer: access.authorizer, asksForSelf: false),
            name("authorization.k8s.io", "selfsubjectaccessreviews"):
                AccessReview(authorizer: access.authorizer, asksForSelf: true),
            name("authorization.k8s.io", "selfsubjectrulesreviews"): RulesReview(rbac: access.rbac),
            name("authentication.k8s.io", "selfsubjectreviews"): SelfReview(),
            name("authentication.k8s.io", "tokenreviews"): TokenReview(tokens: tokens, audiences: audiences),
        ]
    }
}

/// May this user do that? (`authorization.k8s.io/v1`)
private struct AccessReview: ResourceAction {
    let authorizer: any Authorizer
    let asksForSelf: Bool

    func perform(_ call: Verbs.Call, _ body: Value, _ api: Verbs) async throws(Status) -> Value {
        let spec = body["spec"] ?? .emptyObject
        let user = asksForSelf ? call.user : Self.user(in: spec)
        let access: AccessRequest
        if let path = spec["nonResourceAttributes"] {
            access = AccessRequest(
                user: user, RequestInfo(verb: path["verb"]?.string ?? "", path: path["path"]?.string ?? ""))
        } else if let attributes = spec["resourceAttributes"] {
            access = Self.access(user, attributes)
        } else {
            throw .invalid(
                GroupVersionKind(apiVersion: "authorization.k8s.io/v1", kind: body["kind"]?.string ?? ""), "",
                [.invalid("spec.resourceAttributes", value: .null, "exactly one of nonResourceAttributes or resourceAttributes must be specified")])
        }
        var answer = body
        switch await authorizer.ask(access) {
        case .allow(let reason): answer["status"] = Self.status(true, reason)
        case .deny(let reason):
            answer["status"] = Self.status(false, reason)
            answer[path: ["status", "denied"]] = true
        case .noOpinion(let reason): answer["status"] = Self.status(false, reason)
        case .pending: preconditionFailure("an authoriser that was asked must answer")
        }
        return answer
    }

    private static func status(_ isAllowed: Bool, _ reason: String) -> Value {
        var status: Value = ["allowed": .bool(isAllowed)]
        if !reason.isEmpty { status["reason"] = .string(reason) }
        return status
    }

    private static func user(in spec: Value) -> User {
        User(
            name: spec["user"]?.string ?? "", uid: spec["uid"]?.string ?? "",
            groups: (spec["groups"]?.array ?? []).compactMap(\.string))
    }

    private static func access(_ user: User, _ attributes: Value) -> AccessRequest {
        func text(_ key: String) -> String { attributes[key]?.string ?? "" }
        let resource = GroupVersionResource(group: text("group"), version: text("version"), resource: text("resource"))
        let target = Target(
            resource, namespace: text("namespace"), name: text("name"),
            subresource: text("subresource").isEmpty ? nil : text("subresource"))
        return AccessRequest(user: user, verb: text("verb"), target)
    }
}

/// What may I do in this namespace? (`kubectl auth can-i --list`)
private struct RulesReview: ResourceAction {
    let rbac: RBACAuthorizer

    func perform(_ call: Verbs.Call, _ body: Value, _ api: Verbs) async throws(Status) -> Value {
        let namespace = body.at("spec", "namespace")?.string ?? ""
        guard !namespace.isEmpty else { throw .badRequest("no namespace on request") }
        var (resources, paths): ([Value], [Value]) = ([], [])
        for rule in rbac.rules(for: call.user, in: namespace) {
            if !rule.nonResourceURLs.isEmpty {
                paths.append(["verbs": Value(rule.verbs), "nonResourceURLs": Value(rule.nonResourceURLs)])
            }
            guard !rule.resources.isEmpty else { continue }
            var entry: Value = [
                "verbs": Value(rule.verbs), "apiGroups": Value(rule.groups), "resources": Value(rule.resources),
            ]
            if !rule.names.isEmpty { entry["resourceNames"] = Value(rule.names) }
            resources.append(entry)
        }
        var answer = body
        answer["status"] = [
            "resourceRules": .array(resources), "nonResourceRules": .array(paths), "incomplete": false,
        ]
        return answer
    }
}

/// Who am I? (KEP-3325)
private struct SelfReview: ResourceAction {
    func perform(_ call: Verbs.Call, _ body: Value, _ api: Verbs) async throws(Status) -> Value {
        var answer = body
        answer["status"] = ["userInfo": call.user.value]
        return answer
    }
}

/// Whose token is this?
private struct TokenReview: ResourceAction {
    let tokens: TokenChain
    /// Those of this server, when the question names none.
    let audiences: [String]

    func perform(_ call: Verbs.Call, _ body: Value, _ api: Verbs) async throws(Status) -> Value {
        guard let token = body.at("spec", "token")?.string, !token.isEmpty else {
            throw .badRequest("token is required for TokenReview in authentication")
        }
        let asked = (body.at("spec", "audiences")?.array ?? []).compactMap(\.string)
        var answer = body
        switch await tokens.ask(token, for: asked.isEmpty ? audiences : asked) {
        case .holder(let holder):
            answer["status"] = [
                "authenticated": true, "user": holder.user.value, "audiences": Value(holder.audiences),
            ]
        case .refused(let why):
            answer["status"] = ["error": .string(why.map { "[invalid bearer token, \($0)]" } ?? "invalid bearer token")]
        case .pending: preconditionFailure("a method that was asked must answer")
        }
        return answer
    }
}

extension User {
    /// `authentication.k8s.io/v1.UserInfo`
    var value: Value {
        var info: Value = ["username": .string(name), "groups": Value(groups)]
        if !uid.isEmpty { info["uid"] = .string(uid) }
        if !extra.isEmpty { info["extra"] = .object(Fields(extra.map { ($0.key, Value($0.value)) })) }
        return info
    }
}
