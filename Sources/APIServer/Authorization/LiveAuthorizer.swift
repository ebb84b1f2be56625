import Synchronization

/// The authorisers in their order, which a new configuration replaces while requests go on.
final class LiveAuthorizer: Authorizer {
    private let chain: Mutex<AuthorizerChain>

    init(_ chain: AuthorizerChain) { self.chain = Mutex(chain) }

    private var present: AuthorizerChain { chain.withLock { $0 } }

    func replace(_ chain: AuthorizerChain) { self.chain.withLock { $0 = chain } }

    func decide(_ request: AccessRequest) -> AccessDecision { present.decide(request) }
    func ask(_ request: AccessRequest) async -> AccessDecision { await present.ask(request) }
    func listRules(for user: User, in namespace: String) -> AccessRules {
        present.listRules(for: user, in: namespace)
    }
}
