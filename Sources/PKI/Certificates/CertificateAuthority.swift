public import Support

/// A certificate that may sign others, with its key.
public struct CertificateAuthority: Sendable {
    /// The signing certificate first, then what leads to its root, if the files hold that.
    public let chain: [Certificate]
    public let key: PrivateKey

    /// The certificate that signs.
    public var certificate: Certificate { chain[0] }

    /// The whole chain as a PEM bundle: what clients are given to trust.
    public var pem: [UInt8] { chain.pem }

    /// An authority from what a file or a Secret holds; a fault of code `invalid` when the parts do not
    /// belong together.
    public init(chain: [Certificate], key: PrivateKey) throws(Fault) {
        guard let first = chain.first else { throw Fault(.invalid, "the authority has no certificate") }
        guard first.publicKey == key.publicKey else {
            throw Fault(
                .invalid, "the key does not belong to the certificate of \(first.subject.commonName)",
                remedy: "put the signing certificate first in the file, and its own key beside it")
        }
        guard first.isAuthority, first.keyUsage?.contains(.certificateSigning) ?? true else {
            throw Fault(.invalid, "the certificate of \(first.subject.commonName) may not sign others")
        }
        self.chain = chain
        self.key = key
    }

    /// A new self-signed authority.
    public init(selfSigned template: CertificateTemplate, key: PrivateKey) throws(Fault) {
        let certificate = try Certificate.sign(
            template, for: key.publicKey, issuer: template.subject.encoded[...], authorityKeyIdentifier: nil,
            with: key)
        try self.init(chain: [certificate], key: key)
    }

    /// Signs `template` for the owner of `publicKey`.
    public func issue(_ template: CertificateTemplate, for publicKey: PublicKey) throws(Fault) -> Certificate
    {
        try Certificate.sign(
            template, for: publicKey, issuer: certificate.subjectDER[...],
            authorityKeyIdentifier: certificate.subjectKeyIdentifier, with: key)
    }
}

extension Certificate {
    fileprivate static func sign(
        _ template: CertificateTemplate, for publicKey: PublicKey, issuer: ArraySlice<UInt8>,
        authorityKeyIdentifier: [UInt8]?, with key: PrivateKey
    ) throws(Fault) -> Certificate {
        guard let algorithm = SignatureAlgorithm(signingWith: key.kind) else {
            throw Fault(
                .unsupported, "keys of this kind cannot sign certificates", remedy: "use an RSA or EC key")
        }
        let content = template.toBeSigned(
            publicKey: publicKey, issuer: issuer, algorithm: algorithm,
            subjectKeyIdentifier: template.isAuthority == true ? try publicKey.identifier : nil,
            authorityKeyIdentifier: authorityKeyIdentifier)
        return try Certificate(der: SignedDocument.sign(content, algorithm, with: key))
    }
}

extension PublicKey {
    /// SHA-1 over the bits of the key: the first method of RFC 5280, section 4.2.1.2.
    var identifier: [UInt8] {
        get throws(Fault) {
            do {
                return Digest.sha1(try bits)
            } catch {
                throw Fault(.invalid, "the public key cannot be read: \(error.reason)")
            }
        }
    }
}
