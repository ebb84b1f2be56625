import CCrypto
public import Support

/// A key of AES, with the two modes that Kubernetes encrypts with at rest. Prints nothing of itself.
public struct AESKey: Sendable, CustomStringConvertible {
    private let bytes: [UInt8]

    /// The lengths that a key may have, in bytes.
    public static let lengths = [16, 24, 32]
    private static let vectorLength = 16
    private static let nonceLength = 12

    /// `nil` when the length is not one of ``lengths``.
    public init?(_ bytes: [UInt8]) {
        guard Self.lengths.contains(bytes.count) else { return nil }
        self.bytes = bytes
    }

    public var description: String { "AES key" }

    // MARK: CBC

    /// Encrypts in CBC mode with the padding of PKCS #7; a random vector stands in front. Hides, but does not protect
    /// from change.
    public func encryptCBC(_ text: [UInt8]) throws(Fault) -> [UInt8] {
        let vector = Secret.randomBytes(Self.vectorLength)
        guard let sealed = cbc(encrypts: true, vector[...], text[...]) else { throw Self.failure }
        return vector + sealed
    }

    /// The reverse of ``encryptCBC(_:)``; `nil` when the length or the padding is wrong, as mostly happens with a wrong
    /// key.
    public func decryptCBC(_ box: [UInt8]) -> [UInt8]? {
        guard box.count >= 2 * Self.vectorLength, box.count % Self.vectorLength == 0 else { return nil }
        return cbc(encrypts: false, box[..<Self.vectorLength], box[Self.vectorLength...])
    }

    private func cbc(encrypts: Bool, _ vector: ArraySlice<UInt8>, _ data: ArraySlice<UInt8>) -> [UInt8]? {
        taken { out in
            withView(bytes) { key in
                withView(vector) { vector in
                    withView(data) { ccrypto_aes_cbc(encrypts, key, vector, $0, &out) }
                }
            }
        }
    }

    // MARK: GCM

    /// Encrypts in Galois/Counter mode, a random nonce in front and the tag behind. What is `associated` is protected
    /// from change as well, and not part of the result.
    public func sealGCM(_ text: [UInt8], associated: [UInt8]) throws(Fault) -> [UInt8] {
        let nonce = Secret.randomBytes(Self.nonceLength)
        guard let sealed = gcm(encrypts: true, nonce[...], associated, text[...]) else { throw Self.failure }
        return nonce + sealed
    }

    /// The reverse of ``sealGCM(_:associated:)``; `nil` when the key is another, or anything was changed.
    public func openGCM(_ box: [UInt8], associated: [UInt8]) -> [UInt8]? {
        guard box.count > Self.nonceLength else { return nil }
        return gcm(encrypts: false, box[..<Self.nonceLength], associated, box[Self.nonceLength...])
    }

    private func gcm(
        encrypts: Bool, _ nonce: ArraySlice<UInt8>, _ associated: [UInt8], _ data: ArraySlice<UInt8>
    ) -> [UInt8]? {
        taken { out in
            withView(bytes) { key in
                withView(nonce) { nonce in
                    withView(associated) { associated in
                        withView(data) { ccrypto_aes_gcm(encrypts, key, nonce, associated, $0, &out) }
                    }
                }
            }
        }
    }

    /// Copies what C made and gives it back.
    private func taken(_ make: (inout ccrypto_bytes) -> Bool) -> [UInt8]? {
        var out = ccrypto_bytes()
        guard make(&out) else { return nil }
        defer { ccrypto_release(out) }
        return Array(UnsafeBufferPointer(start: out.bytes, count: out.count))
    }

    private static let failure = Fault(.failed, "libcrypto cannot encrypt with AES")
}
