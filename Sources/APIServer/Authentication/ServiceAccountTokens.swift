import API
import APIMachinery
import Client
import PKI
import Support

/// Makes and checks the tokens of service accounts (KEP-1205, "Bound Service Account Tokens").
///
/// A token holds as long as it is not expired and what it is bound to exists: the account, and the pod or secret if it
/// was asked for one. Deleting either ends it at once.
struct ServiceAccountTokens: TokenAuthenticator {
    /// The keys, the one that signs first.
    let keys: [PrivateKey]
    let issuer: String
    /// What a token is for when the request does not say.
    let audiences: [String]
    let accounts: any ObjectSet
    let pods: any ObjectSet
    let secrets: any ObjectSet
    let nodes: any ObjectSet
    let now: @Sendable () -> Timestamp
    private let signatures = KnownSignatures()

    init(
        keys: [PrivateKey], issuer: String, audiences: [String], accounts: any ObjectSet, pods: any ObjectSet,
        secrets: any ObjectSet, nodes: any ObjectSet, now: @escaping @Sendable () -> Timestamp
    ) {
        self.keys = keys
        self.issuer = issuer
        self.audiences = audiences
        self.accounts = accounts
        self.pods = pods
        self.secrets = secrets
        self.nodes = nodes
        self.now = now
    }

    /// What a token is bound to besides its account.
    struct Binding: Hashable, Sendable {
        /// `Pod`, `Secret` or `Node`.
        var kind: String
        var name: String
        var uid: String
    }

    // MARK: Making

    /// A token for an account, and when it ends.
    func issue(
        for account: StoredObject, audiences wanted: [String], lifetime: Duration, binding: Binding?
    ) throws(Fault) -> (token: String, expires: Timestamp) {
        guard let key = keys.first else {
            throw Fault(.invalid, "there is no key to sign service account tokens with")
        }
        let issued = now()
        let expires = issued + lifetime
        var random = SystemRandomNumberGenerator()
        var kubernetes: Value = [
            "namespace": .string(account.namespace),
            "serviceaccount": ["name": .string(account.name), "uid": .string(account.uid)],
        ]
        if let binding {
            kubernetes[binding.kind.lowercased()] = ["name": .string(binding.name), "uid": .string(binding.uid)]
        }
        let claims: Value = [
            "aud": Value(wanted.isEmpty ? audiences : wanted), "exp": .integer(expires.seconds),
            "iat": .integer(issued.seconds), "iss": .string(issuer),
            "jti": .string(GeneratedName.uuid(using: &random)), "kubernetes.io": kubernetes,
            "nbf": .integer(issued.seconds),
            "sub": .string("system:serviceaccount:\(account.namespace):\(account.name)"),
        ]
        return (try JSONWebToken.sign(payload: claims.json, with: key), expires)
    }

    // MARK: Checking

    func authenticate(_ token: String) -> User? { authenticate(token, audiences: audiences) }

    /// The bearer, if the token is for one of `audiences`.
    func authenticate(_ text: String, audiences accepted: [String]) -> User? {
        guard let token = JSONWebToken(text), let claims = try? Value(json: token.payload),
            claims["iss"]?.string == issuer, isInTime(claims),
            (claims["aud"]?.array ?? []).contains(where: { accepted.contains($0.string ?? "") }),
            signatures.holds(text, { keys.contains { token.isSigned(by: $0.publicKey) } })
        else { return nil }
        let facts = claims["kubernetes.io"] ?? .emptyObject
        let namespace = facts["namespace"]?.string ?? ""
        let name = facts.at("serviceaccount", "name")?.string ?? ""
        let uid = facts.at("serviceaccount", "uid")?.string ?? ""
        guard accounts.get(ObjectName(namespace: namespace, name: name))?.uid == uid,
            isBoundToLiving(facts, namespace)
        else { return nil }
        var user = User.serviceAccount(namespace: namespace, name: name, uid: uid)
        user.extra = extra(claims, facts)
        return user
    }

    private func isInTime(_ claims: Value) -> Bool {
        let seconds = now().seconds
        return (claims["exp"]?.integer ?? 0) > seconds && (claims["nbf"]?.integer ?? 0) <= seconds
    }

    private func isBoundToLiving(_ facts: Value, _ namespace: String) -> Bool {
        for (kind, set, space) in [("pod", pods, namespace), ("secret", secrets, namespace), ("node", nodes, "")] {
            guard let bound = facts[kind] else { continue }
            let name = ObjectName(namespace: space, name: bound["name"]?.string ?? "")
            // The node of a pod-bound token is told for information.
            if kind == "node", facts["pod"] != nil { continue }
            guard set.get(name)?.uid == bound["uid"]?.string else { return false }
        }
        return true
    }

    private func extra(_ claims: Value, _ facts: Value) -> [String: [String]] {
        var extra: [String: [String]] = [:]
        if let id = claims["jti"]?.string { extra["authentication.kubernetes.io/credential-id"] = ["JTI=" + id] }
        for (kind, prefix) in [("pod", "pod"), ("node", "node")] {
            guard let bound = facts[kind] else { continue }
            extra["authentication.kubernetes.io/\(prefix)-name"] = [bound["name"]?.string ?? ""]
            extra["authentication.kubernetes.io/\(prefix)-uid"] = [bound["uid"]?.string ?? ""]
        }
        return extra
    }
}
