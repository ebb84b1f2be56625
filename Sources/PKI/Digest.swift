import CCrypto

/// One-shot hashes of bytes that are in memory.
public enum Digest {
    /// 20 bytes. For identifiers that a standard fixes only: SHA-1 protects nothing.
    public static func sha1(_ bytes: some Sequence<UInt8>) -> [UInt8] { hash(ccrypto_digest_sha1, bytes) }

    /// 32 bytes.
    public static func sha256(_ bytes: some Sequence<UInt8>) -> [UInt8] { hash(ccrypto_digest_sha256, bytes) }

    /// HMAC with SHA-256 (RFC 2104), 32 bytes.
    public static func hmacSHA256(_ bytes: some Sequence<UInt8>, key: some Sequence<UInt8>) -> [UInt8] {
        var out = [UInt8](repeating: 0, count: 32)
        let isDone = withView(key) { key in withView(bytes) { ccrypto_hmac_sha256(key, $0, &out) } }
        precondition(isDone, "libcrypto lacks SHA-256")
        return out
    }

    private static func hash(_ kind: ccrypto_digest_kind, _ bytes: some Sequence<UInt8>) -> [UInt8] {
        var out = [UInt8](repeating: 0, count: 64)
        let count = withView(bytes) { ccrypto_digest(kind, $0, &out) }
        precondition(count > 0, "libcrypto lacks a digest that every build of it has")
        return Array(out[..<count])
    }
}

/// Lends contiguous bytes to C for the length of one call.
func withView<Result>(_ bytes: some Sequence<UInt8>, _ body: (ccrypto_view) -> Result) -> Result {
    func lend(_ buffer: UnsafeBufferPointer<UInt8>) -> Result {
        body(ccrypto_view(bytes: buffer.baseAddress, count: buffer.count))
    }
    return bytes.withContiguousStorageIfAvailable(lend) ?? Array(bytes).withUnsafeBufferPointer(lend)
}
