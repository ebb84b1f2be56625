import CCrypto
public import Support

/// The secretbox of NaCl: XSalsa20 hides, Poly1305 protects from change. Prints nothing of itself.
///
/// "Cryptography in NaCl", sections 7 to 10.
public struct SecretBox: Sendable, CustomStringConvertible {
    private let key: [UInt8]

    /// In bytes.
    public static let keyLength = 32
    private static let nonceLength = 24
    private static let tagLength = 16
    /// The stream's first bytes are the one-time key of the tag.
    private static let tagKeyLength = 32

    /// `nil` when the key has not ``keyLength`` bytes.
    public init?(key: [UInt8]) {
        guard key.count == Self.keyLength else { return nil }
        self.key = key
    }

    public var description: String { "secretbox key" }

    /// A random nonce, the tag, and the hidden text.
    public func seal(_ text: [UInt8]) throws(Fault) -> [UInt8] {
        try seal(text, nonce: Secret.randomBytes(Self.nonceLength))
    }

    func seal(_ text: [UInt8], nonce: [UInt8]) throws(Fault) -> [UInt8] {
        let stream = stream(nonce, text.count)
        let hidden = zip(text, stream[Self.tagKeyLength...]).map { $0 ^ $1 }
        guard let tag = Self.tag(hidden, stream[..<Self.tagKeyLength]) else {
            throw Fault(.failed, "libcrypto cannot compute Poly1305")
        }
        return nonce + tag + hidden
    }

    /// The reverse of ``seal(_:)``; `nil` when the key is another, or anything was changed.
    public func open(_ box: [UInt8]) -> [UInt8]? {
        guard box.count >= Self.nonceLength + Self.tagLength else { return nil }
        let nonce = Array(box[..<Self.nonceLength])
        let tag = box[Self.nonceLength...].prefix(Self.tagLength)
        let hidden = Array(box[(Self.nonceLength + Self.tagLength)...])
        let stream = stream(nonce, hidden.count)
        guard let expected = Self.tag(hidden, stream[..<Self.tagKeyLength]), Secret.isEqual(expected, tag) else {
            return nil
        }
        return zip(hidden, stream[Self.tagKeyLength...]).map { $0 ^ $1 }
    }

    private func stream(_ nonce: [UInt8], _ count: Int) -> [UInt8] {
        let subkey = Salsa20.derivedKey(key, nonce[..<16])
        return Salsa20.stream(key: subkey, nonce: nonce[16...], count: Self.tagKeyLength + count)
    }

    private static func tag(_ bytes: [UInt8], _ key: ArraySlice<UInt8>) -> [UInt8]? {
        var out = [UInt8](repeating: 0, count: tagLength)
        let isDone = withView(key) { key in withView(bytes) { ccrypto_poly1305(key, $0, &out) } }
        return isDone ? out : nil
    }
}
