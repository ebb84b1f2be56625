import APIMachinery
import PKI
import Support

/// Knows the bearers of one issuer's tokens (OpenID Connect Core 1.0, section 3.1.3.7). The tokens do not say that they are
/// for this API server in its own words: ``AudienceAgnostic`` goes around it.
final class JWTAuthenticator: TokenAuthenticator {
    private let issuer: JWTIssuer
    private let keys: IssuerKeys
    private let now: @Sendable () -> Timestamp
    /// By the digest of the token: what the same token said a moment ago.
    private let holders = ExpiringCache<[UInt8], User>(limit: 4096)

    /// How long a holder is remembered; as long as Kubernetes does.
    private static let memory = Duration.seconds(10)
    /// The clocks of issuers differ.
    private static let leeway = Duration.seconds(60)

    init(_ issuer: JWTIssuer, now: @escaping @Sendable () -> Timestamp) {
        self.issuer = issuer
        self.now = now
        keys = IssuerKeys(issuer, now: now)
    }

    func look(_ token: String, for audiences: [String]) -> TokenVerdict {
        let digest = Digest.sha256(token.utf8)
        if let user = holders.value(for: digest, at: now()) {
            return .holder(TokenHolder(user: user, audiences: audiences))
        }
        guard let parsed = JSONWebToken(token), let claims = try? Value(json: parsed.payload), claims.fields != nil,
            Self.issuer(of: claims) == issuer.url
        else { return .unknown }
        if let why = fault(claims) { return .refused(why: "oidc: verify token: " + why) }
        switch signature(parsed) {
        case .holds: break
        case .isUnknown: return .pending
        case .fails(let why): return .refused(why: why)
        }
        do throws(ClaimRules.Refusal) {
            let user = try issuer.claims.user(of: claims)
            let end = min(now() + Self.memory, Self.time(claims["exp"]) ?? now())
            holders.put(user, for: digest, until: end)
            return .holder(TokenHolder(user: user, audiences: audiences))
        } catch {
            return .refused(why: error.description)
        }
    }

    func ask(_ token: String, for audiences: [String]) async -> TokenVerdict {
        // Whoever fetched may have gone away meanwhile: then it is this one's turn.
        for _ in 0..<2 {
            let verdict = look(token, for: audiences)
            guard verdict == .pending else { return verdict }
            await keys.refresh()
        }
        let verdict = look(token, for: audiences)
        return verdict == .pending ? .refused(why: unverified) : verdict
    }

    // MARK: The claims about the token itself

    /// Google once left the scheme out.
    private static func issuer(of claims: Value) -> String? {
        let issuer = claims["iss"]?.string
        return issuer == "accounts.google.com" ? "https://accounts.google.com" : issuer
    }

    private func fault(_ claims: Value) -> String? {
        let meant = claims["aud"].map { $0.array ?? [$0] }?.compactMap(\.string) ?? []
        guard issuer.audiences.contains(where: meant.contains) else {
            let quoted = { (list: [String]) in "[" + list.map { GoText.quoted($0) }.joined(separator: " ") + "]" }
            return "oidc: expected audience in \(quoted(issuer.audiences)) got \(quoted(meant))"
        }
        guard let end = Self.time(claims["exp"]), now() < end else { return "oidc: token is expired" }
        if let start = Self.time(claims["nbf"]), now() + Self.leeway < start {
            return "oidc: current time \(now()) before the nbf (not before) time: \(start)"
        }
        return nil
    }

    /// Seconds since 1970, with or without a fraction (RFC 7519, section 2).
    private static func time(_ claim: Value?) -> Timestamp? {
        switch claim {
        case .integer(let seconds): Timestamp(seconds: 0) + .seconds(seconds)
        case .double(let seconds) where seconds.magnitude < 1e12: Timestamp(seconds: Int64(seconds.rounded(.down)))
        default: nil
        }
    }

    // MARK: The signature

    private enum Signature {
        case holds
        case fails(why: String)
        /// Keys that are not known yet may verify it.
        case isUnknown
    }

    private func signature(_ token: JSONWebToken) -> Signature {
        let header = (try? Value(json: token.header)) ?? .null
        guard let algorithm = header["alg"]?.string.flatMap(TokenAlgorithm.init), issuer.algorithms.contains(algorithm) else {
            let expected = issuer.algorithms.map(\.rawValue).sorted().joined(separator: " ")
            return .fails(
                why: "oidc: verify token: oidc: id token signed with unsupported algorithm, expected [\(expected)] got "
                    + GoText.quoted(header["alg"]?.string ?? ""))
        }
        if let known = keys.known, known.verifies(token, algorithm, keyID: header["kid"]?.string) { return .holds }
        return keys.mayRefresh ? .isUnknown : .fails(why: unverified)
    }

    private var unverified: String {
        guard keys.known == nil else { return "oidc: verify token: failed to verify signature" }
        return "oidc: authenticator not initialized" + (keys.failure.map { ": " + $0 } ?? "")
    }
}
