import Support

/// The answers of one plug-in that may be used again, each for as long as it says.
///
/// Pure. `now` is by a clock that nobody sets. Answers whose time is over are dropped when one is added.
struct CredentialCache: Sendable {
    /// Whose answer it is, where it depends on that: a service account, and what it was asked with.
    struct Owner: Hashable, Sendable {
        var account: PulledRecord.Account
        var annotations: [String: String]
        /// The pod and the token, where an answer is good for no other.
        var podUID: String?
        var tokenHash: String?
    }

    private struct Key: Hashable {
        var scope: CredentialAnswer.Scope
        /// The image, or its registry, or nothing.
        var name: String
        var owner: Owner?
    }

    private var entries: [Key: (logins: [String: CredentialAnswer.Login], until: Timestamp)] = [:]

    var count: Int { entries.count }

    /// What was answered for the image, else for its registry, else for all.
    func find(_ image: String, _ owner: Owner?, now: Timestamp) -> [String: CredentialAnswer.Login]? {
        for scope in [CredentialAnswer.Scope.image, .registry, .all] {
            if let entry = entries[Self.key(scope, image, owner)], now <= entry.until { return entry.logins }
        }
        return nil
    }

    mutating func add(
        _ answer: CredentialAnswer, for image: String, _ owner: Owner?, otherwise lifetime: Duration, now: Timestamp
    ) {
        entries = entries.filter { now <= $0.value.until }
        let lifetime = answer.lifetime ?? lifetime
        guard lifetime > .zero else { return }
        entries[Self.key(answer.scope, image, owner)] = (answer.logins, now + lifetime)
    }

    private static func key(_ scope: CredentialAnswer.Scope, _ image: String, _ owner: Owner?) -> Key {
        let name =
            switch scope {
            case .image: image
            case .registry: String(image.prefix { $0 != "/" })
            case .all: ""
            }
        return Key(scope: scope, name: name, owner: owner)
    }
}
