import CCrypto

/// The `alg` of a signed token (RFC 7518, section 3.1), as far as tokens are verified here: what OpenID Connect issuers
/// sign with. No symmetric algorithm is among them, and `none` is not.
public enum TokenAlgorithm: String, CaseIterable, Hashable, Sendable {
    case rs256 = "RS256", rs384 = "RS384", rs512 = "RS512"
    case ps256 = "PS256", ps384 = "PS384", ps512 = "PS512"
    case es256 = "ES256", es384 = "ES384", es512 = "ES512"

    /// Whether a key can have made such a signature: the kind must be right, and for ECDSA the curve.
    func fits(_ key: PublicKey) -> Bool {
        guard let width else { return key.kind == .rsa }
        return key.curve?.width == width
    }

    /// How many bytes each of the two numbers of an ECDSA signature has; `nil` for RSA.
    var width: Int? {
        switch self {
        case .es256: 32
        case .es384: 48
        case .es512: 66
        case .rs256, .rs384, .rs512, .ps256, .ps384, .ps512: nil
        }
    }

    var isPSS: Bool { self == .ps256 || self == .ps384 || self == .ps512 }

    var digest: ccrypto_digest_kind {
        switch self {
        case .rs256, .ps256, .es256: ccrypto_digest_sha256
        case .rs384, .ps384, .es384: ccrypto_digest_sha384
        case .rs512, .ps512, .es512: ccrypto_digest_sha512
        }
    }
}

/// The curves whose signatures tokens bear.
enum NamedCurve: String, CaseIterable {
    case p256 = "P-256", p384 = "P-384", p521 = "P-521"

    /// Bytes of a coordinate.
    var width: Int {
        switch self {
        case .p256: 32
        case .p384: 48
        case .p521: 66
        }
    }

    var identifier: ObjectIdentifier {
        switch self {
        case .p256: .p256
        case .p384: .p384
        case .p521: .p521
        }
    }
}

extension PublicKey {
    /// The named curve of an EC key; `nil` for other keys and curves.
    var curve: NamedCurve? {
        guard kind == .ecP256 || kind == .ecOther else { return nil }
        do {
            var information = try DERReader.whole(der[...], DERTag.sequence).reader
            var algorithm = try information.read(DERTag.sequence).reader
            _ = try algorithm.read(DERTag.objectIdentifier)
            let name = try ObjectIdentifier(try algorithm.read())
            return NamedCurve.allCases.first { $0.identifier == name }
        } catch {
            return nil
        }
    }

    /// Whether `signature`, in the form that tokens have, is this key's over `bytes` by the algorithm.
    func isTokenSignature(_ signature: [UInt8], of bytes: [UInt8], _ algorithm: TokenAlgorithm) -> Bool {
        guard algorithm.fits(self) else { return false }
        var signature = signature
        if let width = algorithm.width {
            guard let der = RawSignature.toDER(signature, width: width) else { return false }
            signature = der
        }
        return isSignature(signature, of: bytes, digest: algorithm.digest, isPSS: algorithm.isPSS)
    }
}
