public import APIMachinery
public import Support

/// A Secret of the type `kubernetes.io/service-account-token`: a token that somebody wants to have for a
/// service account for as long as the Secret is there (Kubernetes documentation, "Managing Service
/// Accounts").
///
/// Who makes the Secret names the account; a controller puts the token in, and the API server looks into the
/// Secret each time that the token is shown.
public enum AccountTokenSecret {
    public static let type = "kubernetes.io/service-account-token"
    /// Annotations: whose token it is.
    public static let account = "kubernetes.io/service-account.name"
    public static let accountUID = "kubernetes.io/service-account.uid"
    /// Keys of the content.
    public static let token = "token"
    public static let authority = "ca.crt"
    public static let namespace = "namespace"
    /// Labels: the day on which the token was used last, and since when it is not to be believed any more
    /// (KEP-2799).
    public static let lastUsed = "kubernetes.io/legacy-token-last-used"
    public static let invalidSince = "kubernetes.io/legacy-token-invalid-since"
    /// The ConfigMap that tells since which day use is noted, under this key.
    public static let tracking = ObjectName(
        namespace: "kube-system", name: "kube-apiserver-legacy-service-account-token-tracking")
    public static let trackedSince = "since"

    /// The midnight at which a day begins that is written as these labels have it, such as `2026-11-21`.
    public static func day(_ text: String) -> Timestamp? {
        text.utf8.count == 10 ? Timestamp(text + "T00:00:00Z") : nil
    }

    /// The day of a time, as these labels have it.
    public static func day(of time: Timestamp) -> String { String(time.description.prefix { $0 != "T" }) }

    /// What such a token says: whose it is and which Secret holds it. It has no end, and is for no audience
    /// in particular.
    public struct Claims: Hashable, Sendable {
        /// Who such tokens say has made them.
        public static let issuer = "kubernetes/serviceaccount"
        private static let prefix = "kubernetes.io/serviceaccount/"

        public let namespace: String
        public let account: String
        public let accountUID: String
        public let secret: String

        public init(_ account: ServiceAccount, secret: String) {
            namespace = account.metadata.namespace
            self.account = account.metadata.name
            accountUID = account.metadata.uid
            self.secret = secret
        }

        /// Reads the claims of a token; `nil` for those of another kind, and for those that contradict
        /// themselves.
        public init?(_ claims: Value) {
            func text(_ name: String) -> String { claims[Self.prefix + name]?.string ?? "" }
            namespace = text("namespace")
            account = text("service-account.name")
            accountUID = text("service-account.uid")
            secret = text("secret.name")
            guard claims["iss"]?.string == Self.issuer, ![namespace, account, accountUID, secret].contains(""),
                claims["sub"]?.string == subject
            else { return nil }
        }

        private var subject: String { "system:serviceaccount:\(namespace):\(account)" }

        /// As they go into the token.
        public var value: Value {
            [
                "iss": .string(Self.issuer), "sub": .string(subject),
                Self.prefix + "namespace": .string(namespace), Self.prefix + "secret.name": .string(secret),
                Self.prefix + "service-account.name": .string(account),
                Self.prefix + "service-account.uid": .string(accountUID),
            ]
        }
    }
}
