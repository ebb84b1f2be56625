import CCrypto

/// How a certificate or a request is signed (RFC 3279, RFC 5758, RFC 8410). SHA-1 and MD5 are not in the
/// list.
enum SignatureAlgorithm: CaseIterable {
    case rsaSHA256, rsaSHA384, rsaSHA512
    case ecdsaSHA256, ecdsaSHA384, ecdsaSHA512
    case ed25519

    /// What a key of this kind signs with; `nil` when this module cannot sign with it.
    init?(signingWith kind: KeyKind) {
        switch kind {
        case .ecP256, .ecOther: self = .ecdsaSHA256
        case .rsa: self = .rsaSHA256
        case .ed25519: self = .ed25519
        case .other: return nil
        }
    }

    /// The algorithm that an AlgorithmIdentifier names.
    init(_ element: DERElement) throws(DERError) {
        var reader = element.reader
        let identifier = try ObjectIdentifier(try reader.read())
        guard let found = Self.allCases.first(where: { $0.identifier == identifier }) else {
            throw DERError("the signature algorithm \(identifier.dotted) is not supported")
        }
        self = found
    }

    /// As an AlgorithmIdentifier. RSA carries a NULL, the others carry nothing.
    var encoded: [UInt8] {
        isRSA ? DER.sequence(identifier.encoded, [0x05, 0x00]) : DER.sequence(identifier.encoded)
    }

    /// Whether a key of this kind can have made such a signature.
    func fits(_ kind: KeyKind) -> Bool {
        switch kind {
        case .rsa: isRSA
        case .ed25519: self == .ed25519
        case .ecP256, .ecOther: !isRSA && self != .ed25519
        case .other: false
        }
    }

    var digest: ccrypto_digest_kind {
        switch self {
        case .rsaSHA256, .ecdsaSHA256: ccrypto_digest_sha256
        case .rsaSHA384, .ecdsaSHA384: ccrypto_digest_sha384
        case .rsaSHA512, .ecdsaSHA512: ccrypto_digest_sha512
        case .ed25519: ccrypto_digest_none
        }
    }

    private var isRSA: Bool { self == .rsaSHA256 || self == .rsaSHA384 || self == .rsaSHA512 }

    private var identifier: ObjectIdentifier {
        switch self {
        case .rsaSHA256: .rsaWithSHA256
        case .rsaSHA384: .rsaWithSHA384
        case .rsaSHA512: .rsaWithSHA512
        case .ecdsaSHA256: .ecdsaWithSHA256
        case .ecdsaSHA384: .ecdsaWithSHA384
        case .ecdsaSHA512: .ecdsaWithSHA512
        case .ed25519: .ed25519
        }
    }
}
