import APIMachinery
public import Support

/// Whose tokens are believed, besides this server's own: the file of `--authentication-config`
/// (`apiserver.config.k8s.io/v1.AuthenticationConfiguration`, KEP-3331), or the flags `--oidc-*`.
public struct AuthenticationConfiguration: Sendable {
    var issuers: [JWTIssuer] = []
    /// Who is let in without credentials, when the file says so.
    var anonymous: AnonymousAccess?

    /// Whether the file says who is let in without credentials: the flag must then say nothing.
    public var decidesOnAnonymous: Bool { anonymous != nil }

    private static let mostIssuers = 64

    /// Reads the file's text, YAML or JSON. A fault names the part that is wrong.
    ///
    /// - Parameter own: the issuers that this server is itself: no other may take their names.
    public init(text: String, own: [String]) throws(Fault) {
        let document = try ConfigurationDocument(
            text, kind: "AuthenticationConfiguration", versions: ["v1", "v1beta1"], flag: "--authentication-config")
        let listed = document.value["jwt"]?.array ?? []
        guard listed.count <= Self.mostIssuers else {
            throw document.fault("jwt: Too many: \(listed.count): must have at most \(Self.mostIssuers) items")
        }
        for (index, entry) in listed.enumerated() {
            let path = "jwt[\(index)]"
            let issuer = try document.locating(path) { () throws(Fault) in try JWTIssuer(entry, own: own) }
            for other in issuers {
                guard other.url != issuer.url else {
                    throw document.fault("\(path).issuer.url: Duplicate value: \(GoText.quoted(issuer.url))")
                }
                guard other.discoveryURL != issuer.discoveryURL else {
                    let url = GoText.quoted(issuer.discoveryURL)
                    throw document.fault("\(path).issuer.discoveryURL: Duplicate value: \(url)")
                }
            }
            issuers.append(issuer)
        }
        guard let access = document.value["anonymous"] else { return }
        let paths = (access["conditions"]?.array ?? []).map { $0["path"]?.string ?? "" }
        let isEnabled = access["enabled"] == true
        guard isEnabled || paths.isEmpty else {
            throw document.fault("anonymous.conditions: enabled should be set to true when conditions are defined")
        }
        anonymous = AnonymousAccess(isEnabled: isEnabled, paths: paths)
    }
}
