/// Who this server is to the extension API servers behind it, and what they may know it by (Kubernetes documentation,
/// "Configure the Aggregation Layer").
public struct AggregationOptions: Sendable {
    /// The certificate of the front proxy that this server is to them, its chain behind it, as PEM.
    public var certificatePEM: [UInt8]
    public var keyPEM: [UInt8]
    /// Who issues such certificates, as PEM: what extension servers are told to trust.
    public var authoritiesPEM: [UInt8]
    /// The common names of such certificates.
    public var allowedNames: [String]

    public init(
        certificatePEM: [UInt8], keyPEM: [UInt8], authoritiesPEM: [UInt8], allowedNames: [String]
    ) {
        self.certificatePEM = certificatePEM
        self.keyPEM = keyPEM
        self.authoritiesPEM = authoritiesPEM
        self.allowedNames = allowedNames
    }
}
