import Support

/// A document with a signature around it: certificates and requests have this shape (RFC 5280, 4.1; RFC 2986,
/// 4.2).
struct SignedDocument {
    let content: DERElement
    let algorithm: DERElement
    let signature: ArraySlice<UInt8>

    init(_ der: [UInt8]) throws(DERError) {
        var outer = try DERReader.whole(der[...], DERTag.sequence).reader
        content = try outer.read(DERTag.sequence)
        algorithm = try outer.read(DERTag.sequence)
        signature = try outer.read(DERTag.bitString).wholeBytes
        try outer.end()
    }

    func isSigned(by key: PublicKey) -> Bool {
        guard let algorithm = try? SignatureAlgorithm(algorithm) else { return false }
        return key.isSignature(signature, of: content.encoded, algorithm)
    }

    /// Puts a signature around `content`.
    static func sign(_ content: [UInt8], _ algorithm: SignatureAlgorithm, with key: PrivateKey) throws(Fault)
        -> [UInt8]
    {
        DER.sequence(content, algorithm.encoded, DER.bits(try key.signature(of: content)))
    }
}

/// The fields of a TBSCertificate (RFC 5280, section 4.1), not looked into yet.
struct CertificateParts {
    let serialNumber: [UInt8]
    let issuer: DERElement
    let notBefore: Timestamp
    let notAfter: Timestamp
    let subject: DERElement
    let publicKey: DERElement
    var extensions: DERReader

    init(_ der: [UInt8]) throws(DERError) {
        let signed = try SignedDocument(der)
        var fields = signed.content.reader
        let version = try fields.readIfPresent(DERTag.context(0, isConstructed: true))
        guard version?.content.elementsEqual(DER.integer(2)) ?? true else {
            throw DERError("it is not of version 1 or 3")
        }
        let serialNumber = try fields.read(DERTag.integer).content
        self.serialNumber = Array(serialNumber.count > 1 ? serialNumber.drop { $0 == 0 } : serialNumber)
        let algorithm = try fields.read(DERTag.sequence)
        // RFC 5280, 4.1.1.2: a signature that is not what the signed part says may hide a weaker one.
        guard algorithm.encoded.elementsEqual(signed.algorithm.encoded) else {
            throw DERError("it names two signature algorithms")
        }
        issuer = try fields.read(DERTag.sequence)
        var validity = try fields.read(DERTag.sequence).reader
        notBefore = try validity.readTime()
        notAfter = try validity.readTime()
        subject = try fields.read(DERTag.sequence)
        publicKey = try fields.read(DERTag.sequence)
        _ = try fields.readIfPresent(DERTag.context(1, isConstructed: false))
        _ = try fields.readIfPresent(DERTag.context(2, isConstructed: false))
        if let wrapped = try fields.readIfPresent(DERTag.context(3, isConstructed: true)) {
            extensions = try DERReader.whole(wrapped.content, DERTag.sequence).reader
        } else {
            extensions = DERReader([])
        }
        try fields.end()
    }
}

/// The extensions that Kubernetes and TLS look at; others are passed over here and judged by the chain's
/// verification.
struct CertificateExtensions {
    var subjectAlternativeNames: [SubjectAlternativeName] = []
    var keyUsage: KeyUsage?
    var extendedKeyUsages: [ExtendedKeyUsage] = []
    var isAuthority = false
    var subjectKeyIdentifier: [UInt8]?
    var authorityKeyIdentifier: [UInt8]?

    /// Reads the content of an Extensions value to its end.
    init(_ reader: inout DERReader) throws(DERError) {
        while !reader.isAtEnd {
            var fields = try reader.read(DERTag.sequence).reader
            let identifier = try ObjectIdentifier(try fields.read())
            _ = try fields.readIfPresent(DERTag.boolean)
            var value = DERReader(try fields.read(DERTag.octetString).content)
            try fields.end()
            try add(identifier, &value)
        }
    }

    private mutating func add(_ identifier: ObjectIdentifier, _ value: inout DERReader) throws(DERError) {
        switch identifier {
        case .subjectAlternativeName:
            var names = try value.read(DERTag.sequence).reader
            while !names.isAtEnd {
                if let name = try SubjectAlternativeName(try names.read()) {
                    subjectAlternativeNames.append(name)
                }
            }
        case .keyUsage: keyUsage = try KeyUsage(try value.read())
        case .extendedKeyUsage:
            var usages = try value.read(DERTag.sequence).reader
            while !usages.isAtEnd {
                extendedKeyUsages.append(ExtendedKeyUsage(try ObjectIdentifier(try usages.read())))
            }
        case .basicConstraints:
            var fields = try value.read(DERTag.sequence).reader
            isAuthority = try fields.readIfPresent(DERTag.boolean)?.content.first == 0xFF
        case .subjectKeyIdentifier: subjectKeyIdentifier = Array(try value.read(DERTag.octetString).content)
        case .authorityKeyIdentifier:
            var fields = try value.read(DERTag.sequence).reader
            let key = try fields.readIfPresent(DERTag.context(0, isConstructed: false))
            authorityKeyIdentifier = key.map { Array($0.content) }
        default: break
        }
    }
}
