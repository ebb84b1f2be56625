import Support

/// One program of the node that is asked for credentials of images (KEP-2133, `CredentialProvider` of
/// kubelet.config.k8s.io/v1).
public struct CredentialProvider: Hashable, Sendable {
    /// What it is told of the pod's service account (KEP-4412).
    public struct Tokens: Hashable, Sendable {
        /// For how long an answer may be used again.
        public enum Lifetime: String, Hashable, Sendable, CaseIterable {
            /// As long as the service account is the same.
            case account = "ServiceAccount"
            /// As long as the very token is the same, and the pod.
            case token = "Token"
        }

        /// For whom the tokens are.
        public var audience: String
        public var lifetime: Lifetime
        /// Whether it is not asked for a pod without a service account.
        public var isAccountRequired: Bool
        /// Annotations of the account without which it is not asked, and others that it is told.
        public var requiredAnnotations: [String] = []
        public var optionalAnnotations: [String] = []
    }

    public var name: String
    /// The path of the program.
    public var program: String
    public var images: [ImagePattern]
    /// How long an answer is used again that does not say so; zero for not at all.
    public var defaultLifetime: Duration
    /// The version in which it is spoken to: `credentialprovider.kubelet.k8s.io/v1`.
    public var version: String
    public var arguments: [String]
    /// Besides the kubelet's own variables, and before them.
    public var environment: [String: String]
    /// `nil` when it is not told of service accounts.
    public var tokens: Tokens?

    /// Whether it is asked for an image of this name, which has neither tag nor digest.
    func serves(_ name: String) -> Bool { images.contains { $0.matches(name) } }
}
