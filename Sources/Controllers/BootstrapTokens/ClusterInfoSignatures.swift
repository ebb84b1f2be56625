import API
import PKI
import Support

/// Signs what `cluster-info` says with each token that is for signing, so that a machine that has a token and nothing else
/// knows whom to trust (KEP-130).
///
/// Pure; its shell is ``BootstrapSigner``.
struct ClusterInfoSignatures: Sendable {
    static let namespace = "kube-public"
    static let name = "cluster-info"
    static let key = "kubeconfig"
    private static let prefix = "jws-kubeconfig-"

    let information: ConfigMap
    let tokens: [BootstrapTokenSecret]
    let now: Timestamp

    /// The object as it shall be: a signature for each token that holds, and no other.
    var signed: ConfigMap {
        guard let content = information.data[Self.key] else { return information }
        var signed = information
        var data = information.data.filter { !$0.key.hasPrefix(Self.prefix) }
        for token in tokens where token.isForSigning && !token.isExpired(at: now) {
            data[Self.prefix + token.id] = Self.signature(of: content, by: token)
        }
        if data != signed.data { signed.data = data }
        return signed
    }

    /// When the next token ends.
    var nextDeadline: Duration? {
        tokens.filter { $0.isForSigning && !$0.isExpired(at: now) }.compactMap(\.expiration).min().map { $0 - now }
    }

    /// A JSON Web Signature without its content (RFC 7515, appendix F).
    static func signature(of content: String, by token: BootstrapTokenSecret) -> String {
        let header = Base64.encodeURLSafe(Array(#"{"alg":"HS256","kid":"\#(token.id)"}"#.utf8))
        let message = header + "." + Base64.encodeURLSafe(Array(content.utf8))
        let signature = Digest.hmacSHA256(message.utf8, key: token.secret.utf8)
        return header + ".." + Base64.encodeURLSafe(signature)
    }
}
