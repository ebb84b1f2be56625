import APIMachinery
public import PKI
import Support
import Wire

/// Whom a proxy in front of the API server vouches for, and how it says so (`--requestheader-*`).
public struct FrontProxyOptions: Sendable {
    /// Who issues the certificates of such proxies.
    public var authorities: [Certificate]
    /// The common names that they may have; empty allows all.
    public var allowedNames: [String]
    public var userHeaders = ["X-Remote-User"]
    public var uidHeaders = ["X-Remote-Uid"]
    public var groupHeaders = ["X-Remote-Group"]
    public var extraPrefixes = ["X-Remote-Extra-"]

    public init(authorities: [Certificate], allowedNames: [String]) {
        self.authorities = authorities
        self.allowedNames = allowedNames
    }
}

/// Believes the headers of proxies that show a certificate of their own authority (Kubernetes documentation,
/// "Authenticating Proxy").
struct FrontProxy: Sendable {
    private let options: FrontProxyOptions
    private let verifier: CertificateVerifier
    private let now: @Sendable () -> Timestamp

    init(_ options: FrontProxyOptions, now: @escaping @Sendable () -> Timestamp) throws(Fault) {
        self.options = options
        self.now = now
        verifier = try CertificateVerifier(authorities: options.authorities, usage: .clientAuth)
    }

    /// `nil` when the sender is no such proxy, or names nobody.
    func authenticate(_ request: HTTPRequest) -> User? {
        // Without the header the certificate need not be looked at.
        guard let name = Self.first(options.userHeaders, request.headers),
            let peer = try? verifier.verify(chain: request.peerCertificates, at: now()),
            options.allowedNames.isEmpty || options.allowedNames.contains(peer.commonName)
        else { return nil }
        return User(
            name: name, uid: Self.first(options.uidHeaders, request.headers) ?? "",
            groups: options.groupHeaders.flatMap { request.headers.values(of: $0) }, extra: extra(request.headers))
    }

    private static func first(_ names: [String], _ headers: HTTPHeaders) -> String? {
        names.lazy.compactMap { headers[$0] }.first { !$0.isEmpty }
    }

    private func extra(_ headers: HTTPHeaders) -> [String: [String]] {
        let prefixes = options.extraPrefixes.map { $0.lowercased() }
        var extra: [String: [String]] = [:]
        for (name, value) in headers {
            let name = name.lowercased()
            guard let prefix = prefixes.first(where: name.hasPrefix) else { continue }
            let key = name.dropFirst(prefix.count)
            extra[PercentEncoding.decode(key) ?? String(key), default: []].append(value)
        }
        return extra
    }
}
