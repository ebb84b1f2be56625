import CCrypto
import Support

/// Owns one key of libcrypto and frees it with the last reference.
///
/// `@unchecked Sendable`: the pointer never changes, and every function of CCrypto that takes a key only
/// reads it (an `EVP_PKEY` whose contents are not altered may be shared between threads; what libcrypto
/// caches in it, it locks).
final class KeyHandle: @unchecked Sendable {
    let pointer: OpaquePointer

    /// Takes over what `make` answers, or throws the text that it left.
    init(_ make: (inout ccrypto_error) -> OpaquePointer?) throws(Fault) {
        var error = ccrypto_error()
        guard let pointer = make(&error) else { throw Fault(.invalid, error.message) }
        self.pointer = pointer
    }

    deinit { ccrypto_free_key(pointer) }

    /// The bytes that a function of CCrypto hands over.
    func bytes(
        _ code: Fault.Code, _ make: (OpaquePointer, inout ccrypto_bytes, inout ccrypto_error) -> Bool
    ) throws(Fault) -> [UInt8] {
        var (buffer, error) = (ccrypto_bytes(), ccrypto_error())
        guard make(pointer, &buffer, &error) else { throw Fault(code, error.message) }
        defer { ccrypto_release(buffer) }
        return Array(UnsafeBufferPointer(start: buffer.bytes, count: buffer.count))
    }
}

extension ccrypto_error {
    /// The text up to its end mark.
    var message: String {
        withUnsafeBytes(of: text) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}
