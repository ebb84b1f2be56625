internal import NIOSSL
public import Support

/// What a server asks of those who connect: the oldest version of TLS, and the cipher suites of TLS 1.2. Those of TLS 1.3
/// are not to be chosen, as in Go.
public struct TLSRequirements: Sendable {
    let minimum: TLSVersion
    /// `nil` leaves the choice to the library.
    let suites: [NIOTLSCipher]?

    /// TLS 1.2, and suites of the library's choice.
    public init() { (minimum, suites) = (.tlsv12, nil) }

    /// Reads what the flags `--tls-min-version` and `--tls-cipher-suites` of Kubernetes' components say, in Go's names.
    ///
    /// Versions before 1.2, and suites that only those have who need weak ones, are spoken by nobody here, whoever asks
    /// for them. When nothing is left for TLS 1.2, it is not spoken either.
    public init(minimumVersion: String?, cipherSuites: [String]) throws(Fault) {
        if let version = minimumVersion, !Self.versions.contains(version) {
            throw Fault(.invalid, "unknown tls version \"\(version)\"", remedy: "name VersionTLS12 or VersionTLS13")
        }
        for name in cipherSuites where !Self.isKnown(name) {
            throw Fault(.invalid, "Cipher suite \(name) not supported or doesn't exist")
        }
        let chosen = cipherSuites.compactMap { Self.suites[$0] }
        let isNewest = minimumVersion == "VersionTLS13" || (chosen.isEmpty && !cipherSuites.isEmpty)
        minimum = isNewest ? .tlsv13 : .tlsv12
        suites = chosen.isEmpty ? nil : chosen
    }

    private static let versions = ["VersionTLS10", "VersionTLS11", "VersionTLS12", "VersionTLS13"]

    private static func isKnown(_ name: String) -> Bool {
        suites[name] != nil || newest.contains(name) || weak.contains(name)
    }

    private static let newest: Set<String> = [
        "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256",
    ]

    /// Suites that Go has and the library has not.
    private static let weak: Set<String> = [
        "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256", "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA",
        "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
        "TLS_ECDHE_RSA_WITH_RC4_128_SHA", "TLS_RSA_WITH_3DES_EDE_CBC_SHA", "TLS_RSA_WITH_AES_128_CBC_SHA256",
        "TLS_RSA_WITH_RC4_128_SHA",
    ]

    private static let suites: [String: NIOTLSCipher] = [
        "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": .TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA,
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": .TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": .TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA,
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": .TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305": .TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": .TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
        "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": .TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA,
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": .TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": .TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA,
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": .TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305": .TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": .TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
        "TLS_RSA_WITH_AES_128_CBC_SHA": .TLS_RSA_WITH_AES_128_CBC_SHA,
        "TLS_RSA_WITH_AES_128_GCM_SHA256": .TLS_RSA_WITH_AES_128_GCM_SHA256,
        "TLS_RSA_WITH_AES_256_CBC_SHA": .TLS_RSA_WITH_AES_256_CBC_SHA,
        "TLS_RSA_WITH_AES_256_GCM_SHA384": .TLS_RSA_WITH_AES_256_GCM_SHA384,
    ]
}
