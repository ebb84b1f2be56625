import APIMachinery

/// Whose token is this, and is it for one of these audiences? (`authentication.k8s.io/v1`)
struct TokenReview: ResourceAction {
    let tokens: any TokenAuthenticator
    /// Those of this server, when the question names none.
    let audiences: [String]

    func perform(_ call: Verbs.Call, _ body: Value, _ api: Verbs) async throws(Status) -> Value {
        guard let token = body.at("spec", "token")?.string, !token.isEmpty else {
            throw .badRequest("token is required for TokenReview in authentication")
        }
        let asked = (body.at("spec", "audiences")?.array ?? []).compactMap(\.string)
        var answer = body
        answer["status"] = Self.status(await tokens.ask(token, for: asked.isEmpty ? audiences : asked))
        return answer
    }

    /// A `TokenReviewStatus`. Pure.
    static func status(_ verdict: TokenVerdict) -> Value {
        switch verdict {
        case .holder(let holder):
            return ["authenticated": true, "user": holder.user.value, "audiences": Value(holder.audiences)]
        case .refused(let why):
            return ["error": .string(why.map { "[invalid bearer token, \($0)]" } ?? "invalid bearer token")]
        case .pending: preconditionFailure("a method that was asked must answer")
        }
    }
}
