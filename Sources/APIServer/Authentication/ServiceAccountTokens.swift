import API
import APIMachinery
import Client
public import PKI
import Support

/// How the tokens of service accounts are made and checked (`--service-account-*`, `--api-audiences`).
public struct ServiceAccountOptions: Sendable {
    /// Who tokens say has made them, the first in new ones; empty means `https://kubernetes.default.svc.DOMAIN`.
    public var issuers: [String] = []
    /// What a token is for when a request does not say, and what it must be for to be used here; empty means the issuers,
    /// and `k3s`.
    public var audiences: [String] = []
    /// Keys that verify, besides those that sign.
    public var verifyingKeys: [PublicKey] = []
    /// No token lasts longer, whatever is asked for.
    public var maximumLifetime: Duration?
    /// Whether the tokens that pods get by themselves last a year, with a mark of when they should have been renewed: some
    /// clients read them once only.
    public var extendsLifetime = true
    /// Where others find the keys, when not here.
    public var keysURL: String?

    public init() {}

    /// Who tokens say has made them, in a cluster with this domain.
    public func issuers(in clusterDomain: String) -> [String] {
        issuers.isEmpty ? ["https://kubernetes.default.svc." + clusterDomain] : issuers
    }
}

/// Makes and checks the tokens of service accounts (KEP-1205, "Bound Service Account Tokens").
///
/// A token holds as long as it is not expired and what it is bound to exists: the account, and the pod, secret or node if
/// it was asked for one. Deleting either ends it at once; what is being deleted ends it a minute after its time is over.
struct ServiceAccountTokens: TokenAuthenticator {
    /// The keys that sign, the first in use.
    let keys: [PrivateKey]
    let options: ServiceAccountOptions
    let issuers: [String]
    /// What a token is for when the request does not say.
    let audiences: [String]
    let objects: Objects
    let now: @Sendable () -> Timestamp
    private let verifying: [PublicKey]
    private let signatures = KnownSignatures()

    /// What tokens are bound to.
    struct Objects: Sendable {
        let accounts: any ObjectSet
        let pods: any ObjectSet
        let secrets: any ObjectSet
        let nodes: any ObjectSet
    }

    /// What is being deleted still counts for this long after its grace period: the clocks of nodes differ.
    private static let deletionLeeway = Duration.seconds(60)

    init(
        keys: [PrivateKey], options: ServiceAccountOptions, clusterDomain: String, objects: Objects,
        now: @escaping @Sendable () -> Timestamp
    ) {
        self.keys = keys
        self.options = options
        let issuers = options.issuers(in: clusterDomain)
        self.issuers = issuers
        audiences = options.audiences.isEmpty ? issuers + ["k3s"] : options.audiences
        self.objects = objects
        self.now = now
        verifying = keys.map(\.publicKey) + options.verifyingKeys
    }

    /// Every key that verifies, each once.
    var publicKeys: [PublicKey] {
        verifying.enumerated().filter { index, key in !verifying[..<index].contains(key) }.map(\.element)
    }

    // MARK: Making

    /// What a token is to say.
    struct Grant: Sendable {
        var account: StoredObject
        var audiences: [String]
        var lifetime: Duration
        var binding: Binding?
        /// The node of the pod that the token is bound to, told for information; without uid when there is no such node.
        var node: (name: String, uid: String)?
        /// After so long a use of the token is noted.
        var warnsAfter: Duration?
    }

    /// What a token is bound to besides its account.
    struct Binding: Hashable, Sendable {
        /// `Pod`, `Secret` or `Node`.
        var kind: String
        var name: String
        var uid: String
    }

    /// A token, and its id.
    func issue(_ grant: Grant) throws(Fault) -> (token: String, id: String) {
        guard let key = keys.first else {
            throw Fault(.invalid, "there is no key to sign service account tokens with")
        }
        let issued = now()
        var random = SystemRandomNumberGenerator()
        let id = GeneratedName.uuid(using: &random)
        let account = grant.account
        var kubernetes: Value = [
            "namespace": .string(account.namespace),
            "serviceaccount": ["name": .string(account.name), "uid": .string(account.uid)],
        ]
        if let binding = grant.binding {
            kubernetes[binding.kind.lowercased()] = ["name": .string(binding.name), "uid": .string(binding.uid)]
        }
        if let node = grant.node {
            kubernetes["node"] = ["name": .string(node.name)]
            if !node.uid.isEmpty { kubernetes[path: ["node", "uid"]] = .string(node.uid) }
        }
        if let warns = grant.warnsAfter { kubernetes["warnafter"] = .integer((issued + warns).seconds) }
        let claims: Value = [
            "aud": Value(grant.audiences.isEmpty ? audiences : grant.audiences),
            "exp": .integer((issued + grant.lifetime).seconds), "iat": .integer(issued.seconds),
            "iss": .string(issuers[0]), "jti": .string(id), "kubernetes.io": kubernetes,
            "nbf": .integer(issued.seconds),
            "sub": .string("system:serviceaccount:\(account.namespace):\(account.name)"),
        ]
        return (try JSONWebToken.sign(payload: claims.json, with: key), id)
    }

    // MARK: Checking

    func look(_ text: String, for accepted: [String]) -> TokenVerdict {
        guard let token = JSONWebToken(text), let claims = try? Value(json: token.payload),
            issuers.contains(claims["iss"]?.string ?? "")
        else { return .unknown }
        guard signatures.holds(text, { verifying.contains { token.isSigned(by: $0) } }) else {
            return .refused(why: "the signature of the service account token does not hold")
        }
        guard isInTime(claims) else { return .refused(why: "service account token has expired") }
        let common = (claims["aud"]?.array ?? []).compactMap(\.string).filter(accepted.contains)
        guard !common.isEmpty else { return .refused(why: "token audiences are invalid for the target audiences") }
        let facts = claims["kubernetes.io"] ?? .emptyObject
        let name = ObjectName(
            namespace: facts["namespace"]?.string ?? "", name: facts.at("serviceaccount", "name")?.string ?? "")
        let uid = facts.at("serviceaccount", "uid")?.string ?? ""
        guard isAlive(objects.accounts, name, uid: uid), isBoundToLiving(facts, name.namespace) else {
            return .refused(why: "service account token has been invalidated")
        }
        var user = User.serviceAccount(namespace: name.namespace, name: name.name, uid: uid)
        user.extra = extra(claims, facts)
        return .holder(TokenHolder(user: user, audiences: common))
    }

    private func isInTime(_ claims: Value) -> Bool {
        let seconds = now().seconds
        return (claims["exp"]?.integer ?? 0) > seconds && (claims["nbf"]?.integer ?? 0) <= seconds
    }

    private func isBoundToLiving(_ facts: Value, _ namespace: String) -> Bool {
        for (kind, set, space) in [
            ("pod", objects.pods, namespace), ("secret", objects.secrets, namespace), ("node", objects.nodes, ""),
        ] {
            guard let bound = facts[kind] else { continue }
            // The node of a token that is bound to a pod is told for information.
            if kind == "node", facts["pod"] != nil { continue }
            let name = ObjectName(namespace: space, name: bound["name"]?.string ?? "")
            guard isAlive(set, name, uid: bound["uid"]?.string ?? "") else { return false }
        }
        return true
    }

    private func isAlive(_ set: any ObjectSet, _ name: ObjectName, uid: String) -> Bool {
        guard let object = set.get(name), object.uid == uid else { return false }
        guard let deletion = Timestamp(object.field("metadata.deletionTimestamp")) else { return true }
        return now() < deletion + Self.deletionLeeway
    }

    private func extra(_ claims: Value, _ facts: Value) -> [String: [String]] {
        var extra: [String: [String]] = [:]
        if let id = claims["jti"]?.string { extra["authentication.kubernetes.io/credential-id"] = ["JTI=" + id] }
        for kind in ["pod", "node"] {
            guard let bound = facts[kind] else { continue }
            extra["authentication.kubernetes.io/\(kind)-name"] = [bound["name"]?.string ?? ""]
            if let uid = bound["uid"]?.string { extra["authentication.kubernetes.io/\(kind)-uid"] = [uid] }
        }
        return extra
    }
}
