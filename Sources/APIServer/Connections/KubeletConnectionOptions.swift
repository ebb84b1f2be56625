/// How the API server reaches the kubelets of its nodes.
public struct KubeletConnectionOptions: Sendable {
    /// The authorities that sign the kubelets' serving certificates, as PEM.
    public var authoritiesPEM: [UInt8]
    /// The certificate that the API server shows to kubelets, its chain behind it, as PEM.
    public var certificatePEM: [UInt8]
    public var keyPEM: [UInt8]
    /// Which kind of a node's addresses to take, the best first.
    public var preferredAddressTypes = ["InternalIP", "ExternalIP", "Hostname"]

    public init(authoritiesPEM: [UInt8], certificatePEM: [UInt8], keyPEM: [UInt8]) {
        self.authoritiesPEM = authoritiesPEM
        self.certificatePEM = certificatePEM
        self.keyPEM = keyPEM
    }
}
