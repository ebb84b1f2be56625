import PKI
public import Support

/// One issuer as the flags `--oidc-*` describe it (Kubernetes documentation, "OpenID Connect Tokens").
public struct OIDCOptions: Hashable, Sendable {
    public var issuerURL: String
    public var clientID: String
    public var usernameClaim = "sub"
    /// Before names; `-` for none. Empty: the issuer's URL and `#`, unless names are e-mail addresses.
    public var usernamePrefix = ""
    /// Empty: nobody is in groups.
    public var groupsClaim = ""
    public var groupsPrefix = ""
    /// `CLAIM=VALUE`, each.
    public var requiredClaims: [String] = []
    /// PEM; empty: whom this system trusts.
    public var authorities = ""
    /// Such as `RS256`.
    public var signingAlgorithms = ["RS256"]

    public init(issuerURL: String, clientID: String) {
        self.issuerURL = issuerURL
        self.clientID = clientID
    }
}

extension AuthenticationConfiguration {
    /// Fails with a sentence that names the flag at fault.
    ///
    /// - Parameter own: the issuers that this server is itself.
    public init(_ options: OIDCOptions, own: [String]) throws(Fault) {
        guard !options.issuerURL.isEmpty, !options.clientID.isEmpty else {
            throw Fault(.invalid, "oidc-issuer-url and oidc-client-id must be specified together")
        }
        guard !own.contains(options.issuerURL) else {
            throw Fault(.invalid, "oidc-issuer-url \(options.issuerURL) is this server itself")
        }
        try JWTIssuer.check(options.issuerURL, "oidc-issuer-url")
        issuers = [
            JWTIssuer(
                url: options.issuerURL, discoveryURL: JWTIssuer.discoveryURL(of: options.issuerURL),
                audiences: [options.clientID], authorities: try JWTIssuer.authorities(options.authorities),
                algorithms: try options.algorithms, claims: try options.claims)
        ]
    }
}

extension OIDCOptions {
    fileprivate var claims: ClaimRules {
        get throws(Fault) {
            var prefix = usernamePrefix
            if prefix == "-" {
                prefix = ""
            } else if prefix.isEmpty, usernameClaim != "email" {
                prefix = issuerURL + "#"
            }
            var claims = ClaimRules(username: .claim(usernameClaim, prefix: prefix))
            if !groupsClaim.isEmpty { claims.groups = .claim(groupsClaim, prefix: groupsPrefix) }
            for pair in requiredClaims {
                let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
                guard parts.count == 2, !parts[0].isEmpty else {
                    throw Fault(.invalid, "oidc-required-claim \(pair) is not of the form CLAIM=VALUE")
                }
                claims.required.append((parts[0], parts[1]))
            }
            return claims
        }
    }

    fileprivate var algorithms: Set<TokenAlgorithm> {
        get throws(Fault) {
            var algorithms: Set<TokenAlgorithm> = []
            for name in signingAlgorithms {
                guard let algorithm = TokenAlgorithm(rawValue: name) else {
                    let all = TokenAlgorithm.allCases.map(\.rawValue).joined(separator: ", ")
                    throw Fault(.invalid, "oidc-signing-algs \(name) is none of \(all)")
                }
                algorithms.insert(algorithm)
            }
            return algorithms
        }
    }
}
