import APIMachinery
import Support

/// The reviews: questions to authentication and authorisation that are asked by POST and answered in the status.
enum Reviews {
    static func actions(
        _ authorizer: any Authorizer, tokens: any TokenAuthenticator, audiences: [String]
    ) -> [ActionName: any ResourceAction] {
        func name(_ group: String, _ resource: String) -> ActionName {
            ActionName(resource: GroupVersionResource(group: group, version: "v1", resource: resource))
        }
        return [
            name("authorization.k8s.io", "subjectaccessreviews"): AccessReview(authorizer: authorizer, scope: .anybody),
            name("authorization.k8s.io", "localsubjectaccessreviews"):
                AccessReview(authorizer: authorizer, scope: .namespace),
            name("authorization.k8s.io", "selfsubjectaccessreviews"):
                AccessReview(authorizer: authorizer, scope: .oneself),
            name("authorization.k8s.io", "selfsubjectrulesreviews"): RulesReview(authorizer: authorizer),
            name("authentication.k8s.io", "selfsubjectreviews"): SelfReview(),
            name("authentication.k8s.io", "tokenreviews"): TokenReview(tokens: tokens, audiences: audiences),
        ]
    }
}

/// Who am I? (KEP-3325)
private struct SelfReview: ResourceAction {
    func perform(_ call: Verbs.Call, _ body: Value, _ api: Verbs) async throws(Status) -> Value {
        var answer = body
        answer[path: ["metadata", "creationTimestamp"]] = .string(api.now().description)
        answer["status"] = ["userInfo": call.user.value]
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
