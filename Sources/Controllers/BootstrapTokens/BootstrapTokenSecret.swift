import API
import Support

/// A Secret that holds a token for machines that join (Kubernetes documentation, "Authenticating with Bootstrap Tokens").
struct BootstrapTokenSecret: Hashable, Sendable {
    static let namespace = "kube-system"
    static let type = "bootstrap.kubernetes.io/token"

    var id: String
    var secret: String
    /// Whether clients may check by it what `cluster-info` says.
    var isForSigning: Bool
    /// When it ends; `nil` for never. One that cannot be read counts as past.
    var expiration: Timestamp?

    /// `nil` when the Secret holds no such token.
    init?(_ secret: API.Secret) {
        func text(_ key: String) -> String { String(decoding: secret.data[key] ?? [], as: UTF8.self) }
        guard secret.type == Self.type else { return nil }
        id = text("token-id")
        self.secret = text("token-secret")
        isForSigning = text("usage-bootstrap-signing") == "true"
        let end = text("expiration")
        expiration = end.isEmpty ? nil : Timestamp(end) ?? Timestamp(seconds: 0)
    }

    func isExpired(at now: Timestamp) -> Bool { expiration.map { $0 <= now } ?? false }

    /// Whether it is complete, and its Secret named for it: what lies elsewhere could pass for another.
    func isValid(in name: String) -> Bool {
        func isPlain(_ text: String, _ count: Int) -> Bool {
            text.utf8.count == count
                && text.utf8.allSatisfy { (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) }
        }
        return isPlain(id, 6) && isPlain(secret, 16) && name == "bootstrap-token-" + id
    }
}
