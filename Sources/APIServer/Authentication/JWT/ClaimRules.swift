import APIMachinery
import CEL
import Support

/// What becomes of the claims of a token whose signature holds: a user, or a refusal. Pure.
struct ClaimRules: Sendable {
    /// Where a fact about the user comes from.
    enum Source: Sendable {
        case nowhere
        case claim(String, prefix: String)
        case expression(CELProgram)
    }

    /// A condition in CEL, and what is said when it does not hold.
    struct Check: Sendable {
        var program: CELProgram
        var message: String
    }

    var username: Source
    var groups = Source.nowhere
    var uid = Source.nowhere
    var extra: [(key: String, program: CELProgram)] = []
    /// Claims that must be there with exactly these texts.
    var required: [(claim: String, value: String)] = []
    /// On the claims.
    var claimChecks: [Check] = []
    /// On the user that comes of them.
    var userChecks: [Check] = []

    init(username: Source) { self.username = username }

    /// Why no user comes of the claims.
    struct Refusal: Error, Hashable, CustomStringConvertible { var description: String }

    func user(of claims: Value) throws(Refusal) -> User {
        var evaluation = ClaimEvaluation(claims)
        var user = User(name: try name(&evaluation))
        user.groups = try groups(&evaluation)
        user.uid = try uid(&evaluation)
        if let id = claims["jti"]?.string { user.extra["authentication.kubernetes.io/credential-id"] = ["JTI=" + id] }
        for (key, program) in extra {
            let values = try evaluation.texts(program, "extra claim expression: \(program.source)")
            if !values.isEmpty { user.extra[key] = values }
        }
        for (claim, value) in required {
            guard let found = claims[claim] else { throw Self.refusal("required claim \(claim) not present in ID token") }
            guard let text = found.string else { throw Self.refusal("parse claim \(claim): it is no text") }
            guard text == value else {
                throw Self.refusal("required claim \(claim) value does not match. Got = \(text), want = \(value)")
            }
        }
        try evaluation.check(claimChecks, ["claims": CELValue(claims)], "claim validation expression")
        if !userChecks.isEmpty {
            try evaluation.check(userChecks, ["user": Self.value(user)], "user info validation rule")
        }
        return user
    }

    // MARK: The facts

    private func name(_ evaluation: inout ClaimEvaluation) throws(Refusal) -> String {
        var name = ""
        switch username {
        case .nowhere: break
        case .expression(let program): name = try evaluation.text(program, "username claim expression")
        case .claim(let claim, let prefix):
            guard let text = evaluation.claims[claim]?.string else {
                throw Self.refusal("parse username claims \(GoText.quoted(claim)): claim not present")
            }
            // OpenID Connect Core 1.0, section 5.1: an address that nobody has verified may be anybody's.
            if claim == "email", let verified = evaluation.claims["email_verified"], verified != true {
                throw Self.refusal(verified == false ? "email not verified" : "parse 'email_verified' claim")
            }
            name = text.isEmpty ? "" : prefix + text
        }
        guard !name.isEmpty else { throw Self.refusal("the user name is empty") }
        return name
    }

    private func uid(_ evaluation: inout ClaimEvaluation) throws(Refusal) -> String {
        switch uid {
        case .nowhere: return ""
        case .expression(let program): return try evaluation.text(program, "uid claim expression")
        case .claim(let claim, _):
            guard let text = evaluation.claims[claim]?.string else {
                throw Self.refusal("parse uid claim \(GoText.quoted(claim)): claim not present")
            }
            return text
        }
    }

    /// The claim may be one text or several.
    private func groups(_ evaluation: inout ClaimEvaluation) throws(Refusal) -> [String] {
        switch groups {
        case .nowhere: return []
        case .expression(let program): return try evaluation.texts(program, "group claim expression")
        case .claim(let claim, let prefix):
            // Some issuers write null for those who are in none.
            guard let found = evaluation.claims[claim], !found.isNull else { return [] }
            let listed = found.array ?? [found]
            let texts = listed.compactMap(\.string)
            guard texts.count == listed.count else {
                throw Self.refusal("parse groups claim \(GoText.quoted(claim)): it is neither a text nor a list of texts")
            }
            return texts.map { prefix + $0 }
        }
    }

    static func refusal(_ why: String) -> Refusal { Refusal(description: "oidc: " + why) }

    // MARK: What expressions see

    static let claimsEnvironment = CELEnvironment(variables: ["claims": .map(.string, .dyn)])

    private static let userType = CELObjectType(
        "kubernetes.UserInfo",
        fields: [
            "username": .string, "uid": .string, "groups": .list(.string), "extra": .map(.string, .list(.string)),
        ])

    static let userEnvironment = CELEnvironment(variables: ["user": .named(userType)])

    /// What is empty is absent, as in the API's `UserInfo`.
    private static func value(_ user: User) -> CELValue {
        var fields: [(name: String, value: CELValue)] = [("username", .string(user.name))]
        if !user.uid.isEmpty { fields.append(("uid", .string(user.uid))) }
        if !user.groups.isEmpty { fields.append(("groups", CELValue(Value(user.groups)))) }
        if !user.extra.isEmpty {
            fields.append(("extra", .map(CELMap(user.extra.mapValues { CELValue(Value($0)) }))))
        }
        return .object(CELObject(userType.name, fields: fields))
    }
}
