import Glibc

/// The order of keys: that of their UTF-8 bytes.
///
/// Swift compares strings by canonical equivalence: "é" written in one or in two scalars is the same string.
/// A key is its bytes and nothing else, so no driver compares keys with `==` or `<`.
enum KeyOrder {
    /// Negative, zero or positive, as `a` stands before, at or after `b`.
    static func compare(_ a: String, _ b: String) -> Int {
        withBytes(of: a) { x in
            withBytes(of: b) { y in
                let shared = min(x.count, y.count)
                if shared > 0, let left = x.baseAddress, let right = y.baseAddress {
                    let difference = memcmp(left, right, shared)
                    if difference != 0 { return Int(difference) }
                }
                return x.count - y.count
            }
        }
    }

    static func hasPrefix(_ key: String, _ prefix: String) -> Bool {
        withBytes(of: key) { x in
            withBytes(of: prefix) { y in
                guard x.count >= y.count else { return false }
                guard let left = x.baseAddress, let right = y.baseAddress else { return y.isEmpty }
                return memcmp(left, right, y.count) == 0
            }
        }
    }

    /// The bytes that stand directly after every key that begins with `prefix`.
    static func end(of prefix: String) -> [UInt8] {
        var bytes = Array(prefix.utf8)
        // No byte of UTF-8 reaches 0xFF, so the increment cannot overflow, and 0xFF stands after every key.
        guard let last = bytes.popLast() else { return [0xFF] }
        return bytes + [last + 1]
    }

    /// Hands over the key's bytes without a copy.
    static func withBytes<R>(of key: String, _ body: (UnsafeBufferPointer<UInt8>) -> R) -> R {
        if let result = key.utf8.withContiguousStorageIfAvailable(body) { return result }
        return Array(key.utf8).withUnsafeBufferPointer(body)
    }
}
