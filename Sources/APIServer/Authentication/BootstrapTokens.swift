import API
import APIMachinery
import Client
import PKI
import Support

/// Tokens with which nodes begin, kept as Secrets of the type `bootstrap.kubernetes.io/token` in `kube-system`
/// (Kubernetes documentation, "Authenticating with Bootstrap Tokens").
struct BootstrapTokens: TokenAuthenticator {
    let secrets: any ObjectSet
    let now: @Sendable () -> Timestamp

    static let group = "system:bootstrappers"

    func look(_ token: String, for audiences: [String]) -> TokenVerdict {
        guard let token = BootstrapToken(token),
            let secret = secrets.get(ObjectName(namespace: "kube-system", name: "bootstrap-token-" + token.id))?.value,
            let groups = Self.groups(secret, token, now())
        else { return .unknown }
        return .holder(TokenHolder(user: User(name: "system:bootstrap:" + token.id, groups: groups), audiences: audiences))
    }

    /// The groups of the bearer; `nil` when the Secret does not make the token valid for the API now.
    static func groups(_ secret: Value, _ token: BootstrapToken, _ now: Timestamp) -> [String]? {
        func text(_ key: String) -> String {
            secret.at("data", key)?.string.flatMap { Base64.decode($0) }.map { String(decoding: $0, as: UTF8.self) } ?? ""
        }
        guard secret["type"] == "bootstrap.kubernetes.io/token", secret.at("metadata", "deletionTimestamp") == nil,
            text("token-id") == token.id, Secret.isEqual(text("token-secret"), token.secret),
            text("usage-bootstrap-authentication") == "true", !isExpired(text("expiration"), now)
        else { return nil }
        let extra = text("auth-extra-groups").split(separator: ",").map { $0.filter { !$0.isWhitespace } }
        // One that is no bootstrap group makes the whole token invalid, so that nobody gains more than that.
        guard extra.allSatisfy(isBootstrapGroup) else { return nil }
        return Array(Set(extra + [group])).sorted()
    }

    /// A time that cannot be read counts as past.
    private static func isExpired(_ text: String, _ now: Timestamp) -> Bool {
        guard !text.isEmpty else { return false }
        return Timestamp(text).map { $0 <= now } ?? true
    }

    /// `system:bootstrappers:` and up to 256 characters of `a-z0-9:-`, the last of them a letter or digit.
    private static func isBootstrapGroup(_ name: String) -> Bool {
        guard name.hasPrefix(group + ":") else { return false }
        let rest = name.dropFirst(group.count + 1).utf8
        func isPlain(_ byte: UInt8) -> Bool { (0x61...0x7a).contains(byte) || (0x30...0x39).contains(byte) }
        guard let last = rest.last, rest.count <= 256 else { return false }
        return isPlain(last) && rest.allSatisfy { isPlain($0) || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: "-") }
    }
}
