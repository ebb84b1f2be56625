import CCrypto
public import Support

/// A private key and its public half. Prints nothing of itself.
public struct PrivateKey: Sendable, CustomStringConvertible {
    /// The half that may be shown.
    public let publicKey: PublicKey
    private let handle: KeyHandle

    /// A fresh EC key on the curve P-256.
    public static func generateP256() throws(Fault) -> PrivateKey {
        try PrivateKey(KeyHandle { ccrypto_generate_p256(&$0) })
    }

    /// A fresh RSA key of 2048 bits. Takes tens of milliseconds on two cores, so call it off the event loops.
    public static func generateRSA2048() throws(Fault) -> PrivateKey {
        try PrivateKey(KeyHandle { ccrypto_generate_rsa2048(&$0) })
    }

    /// Reads SEC 1, PKCS #1 or PKCS #8 without a password; a fault of code `invalid` when it is none of them.
    public init(der: [UInt8]) throws(Fault) {
        try self.init(KeyHandle { error in withView(der) { ccrypto_read_private_key($0, &error) } })
    }

    /// Reads the first private key in a PEM text.
    public init(pem: some Collection<UInt8>) throws(Fault) {
        guard let first = try Self.all(pem: pem).first else {
            throw Fault(
                .invalid, "the text holds no private key",
                remedy: "give a PEM file with EC PRIVATE KEY, RSA PRIVATE KEY or PRIVATE KEY in it")
        }
        self = first
    }

    /// Reads every private key in a PEM text, in its order; other blocks (such as `EC PARAMETERS`) are passed
    /// over.
    public static func all(pem: some Collection<UInt8>) throws(Fault) -> [PrivateKey] {
        var keys: [PrivateKey] = []
        for block in try PEMBlock.all(in: pem) where labels.contains(block.label) {
            keys.append(try PrivateKey(der: block.bytes))
        }
        return keys
    }

    private static let labels: Set<String> = ["EC PRIVATE KEY", "RSA PRIVATE KEY", "PRIVATE KEY"]

    private init(_ handle: KeyHandle) throws(Fault) {
        self.handle = handle
        let der = try handle.bytes(.invalid) { ccrypto_write_public_key($0, &$1, &$2) }
        publicKey = PublicKey(handle: handle, der: der)
    }

    /// What it is.
    public var kind: KeyKind { publicKey.kind }

    /// In PEM: `EC PRIVATE KEY` (SEC 1), `RSA PRIVATE KEY` (PKCS #1), else `PRIVATE KEY` (PKCS #8).
    public var pem: [UInt8] {
        get throws(Fault) {
            let label =
                switch kind {
                case .ecP256, .ecOther: "EC PRIVATE KEY"
                case .rsa: "RSA PRIVATE KEY"
                case .ed25519, .other: "PRIVATE KEY"
                }
            return PEMBlock(label: label, bytes: try der).text
        }
    }

    /// The bytes inside ``pem``.
    public var der: [UInt8] {
        get throws(Fault) { try handle.bytes(.failed) { ccrypto_write_private_key($0, &$1, &$2) } }
    }

    /// Signs with SHA-256 (Ed25519: with its own hash): PKCS #1 v1.5 for RSA, DER of (r, s) for ECDSA.
    public func signature(of bytes: some Sequence<UInt8>) throws(Fault) -> [UInt8] {
        guard let algorithm = SignatureAlgorithm(signingWith: kind) else {
            throw Fault(.unsupported, "keys of this kind cannot sign", remedy: "use an RSA or EC key")
        }
        return try handle.bytes(.failed) { key, signature, error in
            withView(bytes) { ccrypto_sign(key, algorithm.digest, $0, &signature, &error) }
        }
    }

    public var description: String { "private key (\(kind))" }
}
