internal import NIOCore
internal import NIOSSL
public import Support

/// How a client trusts a server and shows who it is.
public final class TLSClientIdentity: Sendable {
    let context: NIOSSLContext
    let serverName: String?

    /// - Parameters:
    ///   - authoritiesPEM: the authorities that may have signed the server's certificate; `nil` means the
    ///     system's.
    ///   - certificatePEM: our own chain, leaf first, and `keyPEM` its key; both or neither.
    ///   - serverName: the name to ask for and to verify, when it is not the host that is dialled.
    ///   - isVerifying: `false` takes any certificate (`insecure-skip-tls-verify`).
    ///   - protocols: what to offer in the handshake (ALPN).
    public init(
        authoritiesPEM: [UInt8]? = nil, certificatePEM: [UInt8]? = nil, keyPEM: [UInt8]? = nil,
        serverName: String? = nil, isVerifying: Bool = true, protocols: [String] = ["http/1.1"]
    ) throws(Fault) {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = protocols
        configuration.shutdownTimeout = .seconds(2)
        if let authoritiesPEM {
            configuration.trustRoots = .certificates(try TLSMaterial.certificates(authoritiesPEM))
        }
        if !isVerifying {
            configuration.certificateVerification = .none
            // Else the system's authorities would be read, for nothing.
            if authoritiesPEM == nil { configuration.trustRoots = .certificates([]) }
        }
        guard (certificatePEM == nil) == (keyPEM == nil) else {
            throw Fault(.invalid, "a client certificate needs its private key, and the key its certificate")
        }
        if let certificatePEM, let keyPEM {
            configuration.certificateChain = try TLSMaterial.certificates(certificatePEM).map {
                .certificate($0)
            }
            configuration.privateKey = .privateKey(try TLSMaterial.privateKey(keyPEM))
        }
        context = try TLSMaterial.context(configuration)
        self.serverName = serverName
    }

    /// The handler that encrypts one connection to `host`. An IP address cannot be asked for by name (SNI),
    /// but is verified all the same.
    func makeHandler(host: String) throws -> NIOSSLClientHandler {
        let name = serverName ?? host
        let isAddress = (try? SocketAddress(ipAddress: name, port: 0)) != nil
        return try NIOSSLClientHandler(
            context: context, serverHostname: isAddress || name.isEmpty ? nil : name)
    }
}
