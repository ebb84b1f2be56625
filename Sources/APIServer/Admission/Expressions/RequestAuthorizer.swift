import APIMachinery
import CEL
import Client
import Synchronization

/// What the variable `authorizer` of admission's expressions asks: may the user of a request do something.
///
/// Expressions are evaluated without waiting, and some authorisers have to be asked over the network. A question to such
/// a one is noted and counts as failed; once ``askRest()`` has put it, the expressions are evaluated again.
final class RequestAuthorizer: CELAuthorizer {
    private struct State {
        var answers: [AccessRequest: AccessDecision] = [:]
        var open: [AccessRequest] = []
    }

    private let user: User
    private let authorizer: any Authorizer
    private let state = Mutex(State())

    init(user: User, authorizer: any Authorizer) {
        self.user = user
        self.authorizer = authorizer
    }

    func decide(_ query: CELAuthorizationQuery) -> CELAuthorizationDecision {
        var user = user
        if let account = query.serviceAccount {
            user = .serviceAccount(namespace: account.namespace, name: account.name)
            // Nobody has shown that he is this account.
            user.groups.removeAll { $0 == User.authenticatedGroup }
        }
        let request = AccessRequest(user: user, query)
        switch state.withLock({ $0.answers[request] }) ?? authorizer.decide(request) {
        case .allow(let reason): return CELAuthorizationDecision(isAllowed: true, reason: reason)
        case .deny(let reason), .noOpinion(let reason):
            return CELAuthorizationDecision(isAllowed: false, reason: reason)
        case .failed(let why, _): return CELAuthorizationDecision(isAllowed: false, error: why)
        case .pending:
            state.withLock { $0.open.append(request) }
            return CELAuthorizationDecision(isAllowed: false, error: "the authorizer cannot answer at once")
        }
    }

    /// Puts the questions that could not be answered at once. False when there are none: what was evaluated counts.
    func askRest() async -> Bool {
        let open = state.withLock { state in
            defer { state.open = [] }
            return state.open
        }
        for request in open {
            let answer = await authorizer.ask(request)
            state.withLock { $0.answers[request] = answer }
        }
        return !open.isEmpty
    }
}

extension AdmissionScope {
    /// What `judge` makes of the request when all that its expressions ask of authorisers is answered.
    ///
    /// `judge` is called again after each wait for an answer, and only what the last call comes to counts. It ends: each
    /// round has an answer more, and the cost of an expression bounds how many it can ask for.
    func settled<Verdict, Failure: Error>(
        _ judge: (AdmissionScope) throws(Failure) -> Verdict
    ) async throws(Failure) -> Verdict {
        while true {
            let verdict: Result<Verdict, Failure>
            do throws(Failure) {
                verdict = .success(try judge(self))
            } catch {
                verdict = .failure(error)
            }
            guard await authorizer.askRest() else { return try verdict.get() }
        }
    }
}

extension AccessRequest {
    /// What an expression asks.
    fileprivate init(user: User, _ query: CELAuthorizationQuery) {
        let resource = GroupVersionResource(group: query.group, version: "*", resource: query.resource)
        self.init(
            user: user, verb: query.verb,
            Target(
                resource, namespace: query.namespace, name: query.name,
                subresource: query.subresource.isEmpty ? nil : query.subresource),
            selectors: AccessSelectors(fields: query.fieldSelector ?? "", labels: query.labelSelector ?? ""))
        guard let path = query.path else { return }
        isResourceRequest = false
        self.path = path
        (group, version, self.resource) = ("", "", "")
    }
}
