import APIMachinery

/// Whose token it is, and which of the audiences that were asked for it is meant for.
struct TokenHolder: Hashable, Sendable {
    var user: User
    var audiences: [String]
}

/// What a method says of a token.
enum TokenVerdict: Hashable, Sendable {
    case holder(TokenHolder)
    /// It is not this method's, or it does not hold. `why` is said when the method knows that the token was its own.
    case refused(why: String?)
    /// Somebody else must be asked first: ``TokenAuthenticator/ask(_:for:)``.
    case pending

    static let unknown = TokenVerdict.refused(why: nil)
}

/// Knows the bearers of some tokens.
protocol TokenAuthenticator: Sendable {
    /// What can be said at once. Called on the event loop for each request: quick, and without suspension.
    ///
    /// - Parameter audiences: a token that says whom it is for must be for one of these.
    func look(_ token: String, for audiences: [String]) -> TokenVerdict

    /// The verdict, whatever it takes; never `pending`.
    func ask(_ token: String, for audiences: [String]) async -> TokenVerdict
}

extension TokenAuthenticator {
    func ask(_ token: String, for audiences: [String]) async -> TokenVerdict { look(token, for: audiences) }
}

/// Asks one method after the other; the first that knows the token decides.
struct TokenChain: TokenAuthenticator {
    let methods: [any TokenAuthenticator]

    func look(_ token: String, for audiences: [String]) -> TokenVerdict {
        var why: String?
        for method in methods {
            switch method.look(token, for: audiences) {
            case .holder(let holder): return .holder(holder.authenticated)
            case .refused(let reason): why = why ?? reason
            case .pending: return .pending
            }
        }
        return .refused(why: why)
    }

    func ask(_ token: String, for audiences: [String]) async -> TokenVerdict {
        var why: String?
        for method in methods {
            switch await method.ask(token, for: audiences) {
            case .holder(let holder): return .holder(holder.authenticated)
            case .refused(let reason): why = why ?? reason
            case .pending: preconditionFailure("a method that was asked must answer")
            }
        }
        return .refused(why: why)
    }
}

extension TokenHolder {
    fileprivate var authenticated: TokenHolder { TokenHolder(user: user.authenticated, audiences: audiences) }
}

extension User {
    /// The user as every method leaves it: in the group of those who are known.
    var authenticated: User {
        guard !groups.contains(where: [Self.authenticatedGroup, Self.unauthenticatedGroup].contains) else { return self }
        var user = self
        user.groups.append(Self.authenticatedGroup)
        return user
    }
}
