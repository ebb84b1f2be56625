import CCrypto
public import Support

/// What a key is. P-256 and RSA are made here; the others can be read, because people bring their own
/// authorities.
public enum KeyKind: Hashable, Sendable {
    case ecP256
    /// Another named curve.
    case ecOther
    case rsa
    case ed25519
    case other

    init(_ kind: ccrypto_key_kind) {
        switch kind {
        case ccrypto_key_p256: self = .ecP256
        case ccrypto_key_ec: self = .ecOther
        case ccrypto_key_rsa: self = .rsa
        case ccrypto_key_ed25519: self = .ed25519
        default: self = .other
        }
    }
}

/// The public half of a key. Equal when the encoded keys are.
public struct PublicKey: Hashable, Sendable {
    /// The key as a SubjectPublicKeyInfo (PKIX, RFC 5280, section 4.1.2.7).
    public let der: [UInt8]
    /// What it is.
    public let kind: KeyKind
    private let handle: KeyHandle

    /// Reads a SubjectPublicKeyInfo; a fault of code `invalid` when it is none.
    public init(der: [UInt8]) throws(Fault) {
        let handle = try KeyHandle { error in withView(der) { ccrypto_read_public_key($0, &error) } }
        self.init(handle: handle, der: der)
    }

    /// Reads the first `PUBLIC KEY`, or the key of the first `CERTIFICATE`, in a PEM text.
    public init(pem: some Collection<UInt8>) throws(Fault) {
        for block in try PEMBlock.all(in: pem) {
            switch block.label {
            case "PUBLIC KEY":
                try self.init(der: block.bytes)
                return
            case "CERTIFICATE":
                self = try Certificate(der: block.bytes).publicKey
                return
            default: continue
            }
        }
        throw Fault(.invalid, "the text holds no public key", remedy: "give a PEM file with PUBLIC KEY in it")
    }

    init(handle: KeyHandle, der: [UInt8]) {
        self.handle = handle
        self.der = der
        kind = KeyKind(ccrypto_kind_of_key(handle.pointer))
    }

    /// `PUBLIC KEY` in PEM.
    public var pem: [UInt8] { PEMBlock(label: "PUBLIC KEY", bytes: der).text }

    /// Whether `signature` is this key's over `bytes` with SHA-256 (Ed25519: with its own hash): PKCS #1 v1.5
    /// for RSA, DER of (r, s) for ECDSA.
    public func isSignature(_ signature: some Sequence<UInt8>, of bytes: some Sequence<UInt8>) -> Bool {
        guard let algorithm = SignatureAlgorithm(signingWith: kind) else { return false }
        return isSignature(signature, of: bytes, algorithm)
    }

    func isSignature(
        _ signature: some Sequence<UInt8>, of bytes: some Sequence<UInt8>, _ algorithm: SignatureAlgorithm
    ) -> Bool {
        algorithm.fits(kind) && isSignature(signature, of: bytes, digest: algorithm.digest, isPSS: false)
    }

    /// By this digest, whatever key it is; `isPSS` chooses the padding of RSA.
    func isSignature(
        _ signature: some Sequence<UInt8>, of bytes: some Sequence<UInt8>, digest: ccrypto_digest_kind, isPSS: Bool
    ) -> Bool {
        withView(signature) { signature in
            withView(bytes) {
                isPSS
                    ? ccrypto_is_pss_signature(handle.pointer, digest, $0, signature)
                    : ccrypto_is_signature(handle.pointer, digest, $0, signature)
            }
        }
    }

    /// The bits of the key without the algorithm's name: what key identifiers are hashed from (RFC 5280,
    /// 4.2.1.2).
    var bits: ArraySlice<UInt8> {
        get throws(DERError) {
            var reader = try DERReader.whole(der[...], DERTag.sequence).reader
            _ = try reader.read(DERTag.sequence)
            return try reader.read(DERTag.bitString).wholeBytes
        }
    }

    public static func == (a: PublicKey, b: PublicKey) -> Bool { a.der == b.der }
    public func hash(into hasher: inout Hasher) { hasher.combine(der) }
}
