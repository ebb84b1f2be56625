internal import NIOCore
internal import NIOSSL
public import Support

/// A certificate chain and its private key, parsed once and ready for any number of handshakes.
///
/// Sessions can be resumed for as long as the same identity is in use.
public final class TLSIdentity: Sendable {
    let server: NIOSSLContext

    /// `certificatePEM` is the leaf followed by its intermediates, `keyPEM` an unencrypted key.
    /// Fails with `invalid` when either cannot be read, or they do not belong together.
    public init(
        certificatePEM: [UInt8], keyPEM: [UInt8], requiring requirements: TLSRequirements = TLSRequirements()
    ) throws(Fault) {
        let chain = try TLSMaterial.certificates(certificatePEM)
        let key = try TLSMaterial.privateKey(keyPEM)
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        configuration.minimumTLSVersion = requirements.minimum
        if let suites = requirements.suites { configuration.cipherSuiteValues = suites }
        configuration.applicationProtocols = ["h2", "http/1.1"]
        // Ask for a client certificate, take none for an answer, and verify nothing: the callback of each
        // connection hands the chain on. Trust roots only decide what is verified, so there are none.
        configuration.certificateVerification = .optionalVerification
        configuration.trustRoots = .certificates([])
        configuration.shutdownTimeout = .seconds(2)
        server = try TLSMaterial.context(configuration)
    }
}

/// Where a server takes its certificate from. Asked once for each connection, on its event loop: it must
/// answer at once.
public protocol CertificateSource: Sendable {
    /// The identity to show to a client that asked for this name (SNI; `nil` when it named none). `nil` ends
    /// the connection.
    func identity(for serverName: String?) -> TLSIdentity?
}

extension TLSIdentity: CertificateSource {
    /// The same identity for every name.
    public func identity(for serverName: String?) -> TLSIdentity? { self }
}
