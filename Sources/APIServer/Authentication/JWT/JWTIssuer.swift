import PKI

/// One issuer whose tokens are believed, and what their claims say (`apiserver.config.k8s.io/v1.JWTAuthenticator`).
struct JWTIssuer: Sendable {
    /// What tokens name as their issuer, letter by letter.
    var url: String
    /// Where the issuer says where its keys are.
    var discoveryURL: String
    /// A token must be for one of these.
    var audiences: [String]
    /// Who may have signed the issuer's certificate, as PEM; `nil`: whom this system trusts.
    var authorities: [UInt8]?
    /// What its tokens may be signed with.
    var algorithms = Set(TokenAlgorithm.allCases)
    var claims: ClaimRules

    /// OpenID Connect Discovery 1.0, section 4.
    static func discoveryURL(of issuer: String) -> String {
        (issuer.hasSuffix("/") ? String(issuer.dropLast()) : issuer) + "/.well-known/openid-configuration"
    }
}
