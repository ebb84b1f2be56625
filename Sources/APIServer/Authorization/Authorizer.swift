import APIMachinery
import Client

/// What is decided upon: who wants to do what to which.
struct AccessRequest: Hashable, Sendable {
    var user: User
    var verb: String
    /// Empty parts for a plain path.
    var group = ""
    var version = ""
    var resource = ""
    var subresource = ""
    var namespace = ""
    var name = ""
    /// For a plain path only.
    var path = ""
    var isResourceRequest: Bool
    /// For verbs on a collection only.
    var selectors = AccessSelectors.none

    init(user: User, _ info: RequestInfo) {
        self.user = user
        verb = info.verb
        isResourceRequest = info.isResourceRequest
        path = info.isResourceRequest ? "" : info.path
        guard let resource = info.resource else { return }
        group = resource.group
        version = resource.version
        self.resource = resource.resource
        subresource = info.subresource
        namespace = info.namespace
        name = info.name
        selectors = info.selectors
    }

    init(user: User, verb: String, _ target: Target, selectors: AccessSelectors = .none) {
        self.selectors = selectors
        self.user = user
        self.verb = verb
        isResourceRequest = true
        group = target.resource.group
        version = target.resource.version
        resource = target.resource.resource
        subresource = target.subresource ?? ""
        namespace = target.namespace
        name = target.name
    }

    /// `resource/subresource`, as RBAC rules name it.
    var combinedResource: String { subresource.isEmpty ? resource : resource + "/" + subresource }
}

/// An authoriser's word.
enum AccessDecision: Hashable, Sendable {
    /// Yes; `reason` says by what rule.
    case allow(reason: String)
    /// No, whatever the others say.
    case deny(reason: String)
    /// Others may decide; `reason` joins the refusal if none allows.
    case noOpinion(reason: String)
    /// Somebody who should have had a say did not answer. With `isDenial` nobody else is asked; otherwise others may allow
    /// it, and if none does, the request fails and is not refused: it may be made again.
    case failed(why: String, isDenial: Bool)
    /// Somebody else must be asked first: ``Authorizer/ask(_:)``.
    case pending
}

/// What can be listed of what a user may do.
struct AccessRules: Hashable, Sendable {
    var rules: [RBACRule] = []
    /// Whether the user may be able to do more.
    var isIncomplete = false
    var problems: [String] = []
}

/// Decides whether a request may go on.
protocol Authorizer: Sendable {
    /// What can be said at once. Called for every request, on the connection's event loop: it must be quick and must not
    /// suspend.
    func decide(_ request: AccessRequest) -> AccessDecision

    /// The decision, whatever it takes; never `pending`. For whoever can wait.
    func ask(_ request: AccessRequest) async -> AccessDecision

    /// What it allows a user in a namespace, as far as it can be listed.
    func listRules(for user: User, in namespace: String) -> AccessRules
}

extension Authorizer {
    func ask(_ request: AccessRequest) async -> AccessDecision { decide(request) }
    func listRules(for user: User, in namespace: String) -> AccessRules { AccessRules() }
}

/// Asks one authoriser after the other; the first opinion counts.
struct AuthorizerChain: Authorizer {
    var authorizers: [any Authorizer]

    func decide(_ request: AccessRequest) -> AccessDecision {
        var none = NoOpinions()
        for authorizer in authorizers {
            if let opinion = none.opinion(authorizer.decide(request)) { return opinion }
        }
        return none.decision
    }

    func ask(_ request: AccessRequest) async -> AccessDecision {
        var none = NoOpinions()
        for authorizer in authorizers {
            if let opinion = none.opinion(await authorizer.ask(request)) { return opinion }
        }
        return none.decision
    }

    func listRules(for user: User, in namespace: String) -> AccessRules {
        var all = AccessRules()
        for authorizer in authorizers {
            let rules = authorizer.listRules(for: user, in: namespace)
            all.rules += rules.rules
            all.isIncomplete = all.isIncomplete || rules.isIncomplete
            all.problems += rules.problems
        }
        return all
    }

    /// What is left when nobody has an opinion.
    private struct NoOpinions {
        private var reasons: [String] = []
        private var failures: [String] = []

        /// The decision when it is one; otherwise it is taken note of.
        mutating func opinion(_ decision: AccessDecision) -> AccessDecision? {
            switch decision {
            case .noOpinion(let reason):
                if !reason.isEmpty { reasons.append(reason) }
                return nil
            case .failed(let why, isDenial: false):
                failures.append(why)
                return nil
            case .allow, .deny, .failed, .pending: return decision
            }
        }

        var decision: AccessDecision {
            if !failures.isEmpty { return .failed(why: failures.joined(separator: ", "), isDenial: false) }
            return .noOpinion(reason: reasons.joined(separator: "\n"))
        }
    }
}

/// Allows everything: the mode `AlwaysAllow`.
struct EveryoneAuthorizer: Authorizer {
    func decide(_ request: AccessRequest) -> AccessDecision { .allow(reason: "") }
    func listRules(for user: User, in namespace: String) -> AccessRules { AccessRules(rules: RBACRule.fullAuthority) }
}

/// Has nothing to allow: the mode `AlwaysDeny`.
struct NobodyAuthorizer: Authorizer {
    func decide(_ request: AccessRequest) -> AccessDecision { .noOpinion(reason: "Everything is forbidden.") }
}

/// Members of `system:masters` may do everything, whatever the stored roles say.
struct MastersAuthorizer: Authorizer {
    func decide(_ request: AccessRequest) -> AccessDecision {
        request.user.groups.contains(User.masters) ? .allow(reason: "") : .noOpinion(reason: "")
    }
}
