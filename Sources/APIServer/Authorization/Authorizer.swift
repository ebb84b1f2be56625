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
    }

    init(user: User, verb: String, _ target: Target) {
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
    /// Somebody else must be asked first: ``Authorizer/ask(_:)``.
    case pending
}

/// Decides whether a request may go on.
protocol Authorizer: Sendable {
    /// What can be said at once. Called for every request, on the connection's event loop: it must be quick and must not
    /// suspend.
    func decide(_ request: AccessRequest) -> AccessDecision

    /// The decision, whatever it takes; never `pending`. For whoever can wait.
    func ask(_ request: AccessRequest) async -> AccessDecision
}

extension Authorizer {
    func ask(_ request: AccessRequest) async -> AccessDecision { decide(request) }
}

/// Asks one authoriser after the other; the first opinion counts.
struct AuthorizerChain: Authorizer {
    var authorizers: [any Authorizer]

    func decide(_ request: AccessRequest) -> AccessDecision {
        var reasons: [String] = []
        for authorizer in authorizers {
            switch authorizer.decide(request) {
            case .noOpinion(let reason):
                if !reason.isEmpty { reasons.append(reason) }
            case let opinion: return opinion
            }
        }
        return .noOpinion(reason: reasons.joined(separator: "\n"))
    }

    func ask(_ request: AccessRequest) async -> AccessDecision {
        var reasons: [String] = []
        for authorizer in authorizers {
            switch await authorizer.ask(request) {
            case .noOpinion(let reason):
                if !reason.isEmpty { reasons.append(reason) }
            case let opinion: return opinion
            }
        }
        return .noOpinion(reason: reasons.joined(separator: "\n"))
    }
}

/// Members of `system:masters` may do everything, whatever the stored roles say.
struct MastersAuthorizer: Authorizer {
    func decide(_ request: AccessRequest) -> AccessDecision {
        request.user.groups.contains(User.masters) ? .allow(reason: "") : .noOpinion(reason: "")
    }
}
