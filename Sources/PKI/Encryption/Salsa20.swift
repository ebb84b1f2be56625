/// The stream cipher Salsa20 with 20 rounds, and HSalsa20, which makes XSalsa20 of it.
///
/// D. J. Bernstein, "The Salsa20 family of stream ciphers" and "Extending the Salsa20 nonce". libcrypto has neither.
enum Salsa20 {
    private static let constants: [UInt32] = [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574]

    /// HSalsa20: a key made from a key of 32 bytes and 16 bytes of a nonce.
    static func derivedKey(_ key: [UInt8], _ nonce: ArraySlice<UInt8>) -> [UInt8] {
        var state = state(words(key[...]), words(nonce))
        mix(&state)
        return bytes([0, 5, 10, 15, 6, 7, 8, 9].map { state[$0] })
    }

    /// The stream's first bytes, for a key of 32 bytes and a nonce of 8.
    static func stream(key: [UInt8], nonce: ArraySlice<UInt8>, count: Int) -> [UInt8] {
        let (key, nonce) = (words(key[...]), words(nonce))
        var stream: [UInt8] = []
        stream.reserveCapacity(count + 64)
        var block: UInt64 = 0
        while stream.count < count {
            let start = state(key, nonce + [UInt32(truncatingIfNeeded: block), UInt32(truncatingIfNeeded: block >> 32)])
            var mixed = start
            mix(&mixed)
            for index in mixed.indices { mixed[index] &+= start[index] }
            stream += bytes(mixed)
            block += 1
        }
        stream.removeSubrange(count...)
        return stream
    }

    private static func state(_ key: [UInt32], _ input: [UInt32]) -> [UInt32] {
        [constants[0]] + key[0..<4] + [constants[1]] + input + [constants[2]] + key[4..<8] + [constants[3]]
    }

    /// The quarter rounds of a column round and of a row round.
    private static let quarters: [(Int, Int, Int, Int)] = [
        (0, 4, 8, 12), (5, 9, 13, 1), (10, 14, 2, 6), (15, 3, 7, 11),
        (0, 1, 2, 3), (5, 6, 7, 4), (10, 11, 8, 9), (15, 12, 13, 14),
    ]

    private static func mix(_ state: inout [UInt32]) {
        for _ in 0..<10 {
            for (a, b, c, d) in quarters {
                state[b] ^= turned(state[a] &+ state[d], by: 7)
                state[c] ^= turned(state[b] &+ state[a], by: 9)
                state[d] ^= turned(state[c] &+ state[b], by: 13)
                state[a] ^= turned(state[d] &+ state[c], by: 18)
            }
        }
    }

    private static func turned(_ word: UInt32, by bits: UInt32) -> UInt32 { word << bits | word >> (32 - bits) }

    /// Little-endian.
    private static func words(_ bytes: ArraySlice<UInt8>) -> [UInt32] {
        stride(from: bytes.startIndex, to: bytes.endIndex, by: 4).map { start in
            bytes[start..<start + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) }
        }
    }

    private static func bytes(_ words: [UInt32]) -> [UInt8] {
        words.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * UInt32($0))) } }
    }
}
