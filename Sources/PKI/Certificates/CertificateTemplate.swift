public import Support

/// What a certificate is to say, before somebody signs it.
public struct CertificateTemplate: Hashable, Sendable {
    public var subject: DistinguishedName
    public var subjectAlternativeNames: [SubjectAlternativeName]
    public var keyUsage: KeyUsage
    public var extendedKeyUsages: [ExtendedKeyUsage]
    /// Whether it may sign others. `nil` leaves the basic constraints out, which means that it may not.
    public var isAuthority: Bool?
    public var notBefore: Timestamp
    public var notAfter: Timestamp
    /// A non-negative number as big-endian bytes, at most 20 (RFC 5280, section 4.1.2.2).
    public var serialNumber: [UInt8]

    /// A template from its parts; the serial number is random unless one is given.
    public init(
        subject: DistinguishedName, subjectAlternativeNames: [SubjectAlternativeName] = [],
        keyUsage: KeyUsage = [.digitalSignature, .keyEncipherment],
        extendedKeyUsages: [ExtendedKeyUsage] = [],
        isAuthority: Bool? = nil, notBefore: Timestamp, notAfter: Timestamp,
        serialNumber: [UInt8] = CertificateTemplate.randomSerialNumber()
    ) {
        precondition(notBefore < notAfter, "a certificate is valid for some time")
        precondition(serialNumber.count <= 20, "a serial number has at most 20 bytes")
        self.subject = subject
        self.subjectAlternativeNames = subjectAlternativeNames
        self.keyUsage = keyUsage
        self.extendedKeyUsages = extendedKeyUsages
        self.isAuthority = isAuthority
        self.notBefore = notBefore
        self.notAfter = notAfter
        self.serialNumber = serialNumber
    }

    /// 63 random bits, never zero: zero is left to the self-signed.
    public static func randomSerialNumber() -> [UInt8] {
        let number = UInt64.random(in: 1...UInt64(Int64.max))
        return (0..<8).map { UInt8(truncatingIfNeeded: number >> UInt64(56 - 8 * $0)) }
    }
}

extension CertificateTemplate {
    /// The TBSCertificate (RFC 5280, section 4.1): everything that the signature covers.
    ///
    /// `subjectKeyIdentifier` and `authorityKeyIdentifier` are left out when `nil`.
    func toBeSigned(
        publicKey: PublicKey, issuer: ArraySlice<UInt8>, algorithm: SignatureAlgorithm,
        subjectKeyIdentifier: [UInt8]?, authorityKeyIdentifier: [UInt8]?
    ) -> [UInt8] {
        var extensions: [[UInt8]] = []
        func add(_ identifier: ObjectIdentifier, isCritical: Bool = false, _ value: [UInt8]) {
            let mark = isCritical ? DER.boolean(true) : []
            extensions.append(DER.sequence(identifier.encoded, mark, DER.octets(value)))
        }
        if keyUsage != [] { add(.keyUsage, isCritical: true, keyUsage.encoded) }
        if !extendedKeyUsages.isEmpty {
            add(.extendedKeyUsage, DER.sequence(of: extendedKeyUsages.map(\.encoded)))
        }
        if let isAuthority {
            add(.basicConstraints, isCritical: true, DER.sequence(isAuthority ? DER.boolean(true) : []))
        }
        if let subjectKeyIdentifier { add(.subjectKeyIdentifier, DER.octets(subjectKeyIdentifier)) }
        if let authorityKeyIdentifier {
            let identifier = DER.value(DERTag.context(0, isConstructed: false), authorityKeyIdentifier)
            add(.authorityKeyIdentifier, DER.sequence(identifier))
        }
        if !subjectAlternativeNames.isEmpty {
            // Critical when the subject is empty (RFC 5280, section 4.2.1.6).
            let isNameless = subject == DistinguishedName(commonName: "")
            add(
                .subjectAlternativeName, isCritical: isNameless,
                DER.sequence(of: subjectAlternativeNames.map(\.encoded)))
        }
        return DER.sequence(
            DER.value(DERTag.context(0, isConstructed: true), DER.integer(2)),
            DER.unsigned(serialNumber), algorithm.encoded, Array(issuer),
            DER.sequence(DER.time(notBefore), DER.time(notAfter)), subject.encoded, publicKey.der,
            DER.value(DERTag.context(3, isConstructed: true), DER.sequence(of: extensions)))
    }
}
