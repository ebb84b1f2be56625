public import Support

/// An X.509 certificate, read once. Reading says nothing about trust: that is ``CertificateVerifier``'s part.
public struct Certificate: Hashable, Sendable {
    /// The encoded certificate; two certificates are equal when these bytes are.
    public let der: [UInt8]
    public let subject: DistinguishedName
    public let issuer: DistinguishedName
    /// Big-endian bytes without leading zeros; zero is one byte.
    public let serialNumber: [UInt8]
    public let notBefore: Timestamp
    public let notAfter: Timestamp
    public let publicKey: PublicKey
    /// Names of the kinds that ``SubjectAlternativeName`` has, in the order of the certificate.
    public let subjectAlternativeNames: [SubjectAlternativeName]
    /// `nil` when the certificate does not restrict it.
    public let keyUsage: KeyUsage?
    /// Empty when the certificate does not restrict it.
    public let extendedKeyUsages: [ExtendedKeyUsage]
    /// Whether it may sign others.
    public let isAuthority: Bool
    public let subjectKeyIdentifier: [UInt8]?
    public let authorityKeyIdentifier: [UInt8]?

    /// The subject's and the issuer's encoded names: what chains are built by.
    let subjectDER: [UInt8]
    let issuerDER: [UInt8]

    /// Reads DER; a fault of code `invalid` when it is no certificate.
    public init(der: [UInt8]) throws(Fault) {
        do throws(DERError) {
            var parts = try CertificateParts(der)
            self.der = der
            subject = try DistinguishedName(parts.subject)
            issuer = try DistinguishedName(parts.issuer)
            serialNumber = parts.serialNumber
            notBefore = parts.notBefore
            notAfter = parts.notAfter
            let extensions = try CertificateExtensions(&parts.extensions)
            subjectAlternativeNames = extensions.subjectAlternativeNames
            keyUsage = extensions.keyUsage
            extendedKeyUsages = extensions.extendedKeyUsages
            isAuthority = extensions.isAuthority
            subjectKeyIdentifier = extensions.subjectKeyIdentifier
            authorityKeyIdentifier = extensions.authorityKeyIdentifier
            subjectDER = Array(parts.subject.encoded)
            issuerDER = Array(parts.issuer.encoded)
            publicKey = try PublicKey.read(parts.publicKey)
        } catch {
            throw Fault(.invalid, "the certificate cannot be read: \(error.reason)")
        }
    }

    /// Reads every `CERTIFICATE` of a PEM bundle, in its order; other blocks are passed over.
    public static func all(pem: some Collection<UInt8>) throws(Fault) -> [Certificate] {
        var certificates: [Certificate] = []
        for block in try PEMBlock.all(in: pem) where block.label == "CERTIFICATE" {
            certificates.append(try Certificate(der: block.bytes))
        }
        return certificates
    }

    /// `CERTIFICATE` in PEM.
    public var pem: [UInt8] { PEMBlock(label: "CERTIFICATE", bytes: der).text }

    /// SHA-256 over ``der``.
    public var fingerprint: [UInt8] { Digest.sha256(der) }

    /// Whether issuer and subject are the same name.
    public var isSelfIssued: Bool { subjectDER == issuerDER }

    /// Whether `authority` can have issued this: its name fits, and its key identifier if both state one, and
    /// its key made the signature.
    public func isSigned(by authority: Certificate) -> Bool {
        guard issuerDER == authority.subjectDER else { return false }
        if let claimed = authorityKeyIdentifier, let own = authority.subjectKeyIdentifier, claimed != own {
            return false
        }
        guard let signed = try? SignedDocument(der) else { return false }
        return signed.isSigned(by: authority.publicKey)
    }

    public static func == (a: Certificate, b: Certificate) -> Bool { a.der == b.der }
    public func hash(into hasher: inout Hasher) { hasher.combine(der) }
}

extension Sequence<Certificate> {
    /// The certificates one after the other, as a PEM bundle.
    public var pem: [UInt8] { flatMap(\.pem) }
}

extension PublicKey {
    /// Reads the key inside a document.
    static func read(_ element: DERElement) throws(DERError) -> PublicKey {
        do {
            return try PublicKey(der: Array(element.encoded))
        } catch {
            throw DERError(error.summary)
        }
    }
}
