public import Support

/// A PKCS #10 request: a name and a key, signed with that key (RFC 2986).
public struct CertificateSigningRequest: Hashable, Sendable {
    public let der: [UInt8]
    public let subject: DistinguishedName
    public let subjectAlternativeNames: [SubjectAlternativeName]
    public let publicKey: PublicKey

    /// Reads DER and checks that the request is signed with its own key; a fault of code `invalid` when not.
    public init(der: [UInt8]) throws(Fault) {
        let signed: SignedDocument
        do throws(DERError) {
            signed = try SignedDocument(der)
            var fields = signed.content.reader
            _ = try fields.readUnsigned()
            subject = try DistinguishedName(try fields.read(DERTag.sequence))
            publicKey = try PublicKey.read(try fields.read(DERTag.sequence))
            let attributes = try fields.readIfPresent(DERTag.context(0, isConstructed: true))
            try fields.end()
            subjectAlternativeNames = try attributes.map(Self.names) ?? []
        } catch {
            throw Fault(.invalid, "the certificate request cannot be read: \(error.reason)")
        }
        guard signed.isSigned(by: publicKey) else {
            throw Fault(.invalid, "the certificate request is not signed with its own key")
        }
        self.der = der
    }

    /// Reads the first `CERTIFICATE REQUEST` of a PEM text.
    public init(pem: some Collection<UInt8>) throws(Fault) {
        let blocks = try PEMBlock.all(in: pem)
        let labels = ["CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"]
        guard let block = blocks.first(where: { labels.contains($0.label) }) else {
            throw Fault(.invalid, "the text holds no certificate request")
        }
        try self.init(der: block.bytes)
    }

    /// A new request for `key`.
    public init(
        subject: DistinguishedName, subjectAlternativeNames: [SubjectAlternativeName] = [], key: PrivateKey
    ) throws(Fault) {
        guard let algorithm = SignatureAlgorithm(signingWith: key.kind) else {
            throw Fault(
                .unsupported, "keys of this kind cannot sign requests", remedy: "use an RSA or EC key")
        }
        let names = DER.sequence(of: subjectAlternativeNames.map(\.encoded))
        let asked = DER.sequence(ObjectIdentifier.subjectAlternativeName.encoded, DER.octets(names))
        let attribute = DER.sequence(
            ObjectIdentifier.extensionRequest.encoded, DER.set(of: [DER.sequence(asked)]))
        let content = DER.sequence(
            DER.integer(0), subject.encoded, key.publicKey.der,
            DER.value(
                DERTag.context(0, isConstructed: true), subjectAlternativeNames.isEmpty ? [] : attribute))
        try self.init(der: SignedDocument.sign(content, algorithm, with: key))
    }

    /// `CERTIFICATE REQUEST` in PEM.
    public var pem: [UInt8] { PEMBlock(label: "CERTIFICATE REQUEST", bytes: der).text }

    private static func names(_ attributes: DERElement) throws(DERError) -> [SubjectAlternativeName] {
        var names: [SubjectAlternativeName] = []
        var reader = attributes.reader
        while !reader.isAtEnd {
            var attribute = try reader.read(DERTag.sequence).reader
            guard try ObjectIdentifier(try attribute.read()) == .extensionRequest else { continue }
            var values = try attribute.read(DERTag.set).reader
            while !values.isAtEnd {
                var extensions = try values.read(DERTag.sequence).reader
                names += try CertificateExtensions(&extensions).subjectAlternativeNames
            }
        }
        return names
    }
}
