public import Support

/// The compact form of a signed token (RFC 7515): three parts in URL-safe Base64 with dots between them.
///
/// This type knows signatures only. What the header and the claims mean is the API server's part.
public struct JSONWebToken: Hashable, Sendable {
    /// The header's JSON.
    public let header: [UInt8]
    /// The claims' JSON.
    public let payload: [UInt8]
    private let signature: [UInt8]
    private let signedText: [UInt8]

    /// The longest text that is looked at; service account tokens have about 1 KB.
    public static let maximumLength = 64 << 10

    /// Takes a token apart; `nil` when it has not the compact form. Says nothing about the signature.
    public init?(_ text: some StringProtocol) {
        let bytes = Array(text.utf8.prefix(Self.maximumLength + 1))
        let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard bytes.count <= Self.maximumLength, parts.count == 3, let header = Self.decode(parts[0]),
            let payload = Self.decode(parts[1]), let signature = Self.decode(parts[2])
        else { return nil }
        self.header = header
        self.payload = payload
        self.signature = signature
        signedText = Array(bytes[..<parts[1].endIndex])
    }

    /// Whether `key` made the signature. The key alone decides the algorithm (``PublicKey/tokenAlgorithm``);
    /// whatever the header claims cannot choose a weaker one (RFC 8725, section 3.1).
    public func isSigned(by key: PublicKey) -> Bool {
        switch key.kind {
        case .rsa: key.isSignature(signature, of: signedText)
        case .ecP256: RawSignature.toDER(signature).map { key.isSignature($0, of: signedText) } ?? false
        default: false
        }
    }

    /// Whether `key` made the signature by this algorithm. For keys of others, which do not say what they sign with: the
    /// caller has chosen the algorithm from those that it allows, and a key of another kind or curve never fits.
    public func isSigned(by key: PublicKey, _ algorithm: TokenAlgorithm) -> Bool {
        key.isTokenSignature(signature, of: signedText, algorithm)
    }

    /// Signs claims, given as JSON. The header names the algorithm and the key (``PublicKey/keyID``), as
    /// Kubernetes writes it.
    public static func sign(payload: [UInt8], with key: PrivateKey) throws(Fault) -> String {
        guard let algorithm = key.publicKey.tokenAlgorithm else {
            throw Fault(
                .unsupported, "keys of this kind cannot sign tokens", remedy: "use an RSA or P-256 key")
        }
        let header = #"{"alg":"\#(algorithm)","kid":"\#(key.publicKey.keyID)"}"#
        let text = Base64.encodeURLSafe(header.utf8) + "." + Base64.encodeURLSafe(payload)
        var signature = try key.signature(of: text.utf8)
        if key.kind == .ecP256 {
            do {
                signature = try RawSignature.fromDER(signature)
            } catch {
                throw Fault(.failed, "the signature cannot be read: \(error.reason)")
            }
        }
        return text + "." + Base64.encodeURLSafe(signature)
    }

    /// Strict on purpose: the same token must not have two spellings.
    private static func decode(_ part: ArraySlice<UInt8>) -> [UInt8]? {
        let text = String(decoding: part, as: UTF8.self)
        guard let bytes = Base64.decode(text), Base64.encodeURLSafe(bytes) == text else { return nil }
        return bytes
    }
}
