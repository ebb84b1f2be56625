/// Writes a message from its end to its beginning, so that each length is known when it is due: no second pass, no
/// buffer per nested message.
///
/// Callers write the fields with the highest number first, and of a repeated field the last element.
public struct ProtobufWriter: Sendable {
    private var storage: [UInt8]
    /// The first byte that is written.
    private var start: Int

    public init(capacity: Int = 1024) {
        storage = Array(repeating: 0, count: capacity)
        start = capacity
    }

    /// How many bytes are written.
    public var count: Int { storage.count - start }

    /// What is written, in its final order.
    public var bytes: [UInt8] { Array(storage[start...]) }

    public mutating func write(_ number: UInt64, field: Int) {
        prepend(varint: number)
        prepend(tag: field, .varint)
    }

    public mutating func write(_ text: String, field: Int) {
        var text = text
        text.withUTF8 { prepend($0) }
        prepend(varint: UInt64(text.utf8.count))
        prepend(tag: field, .lengthDelimited)
    }

    public mutating func write(_ bytes: [UInt8], field: Int) {
        bytes.withUnsafeBufferPointer { write($0, field: field) }
    }

    mutating func write(_ bytes: UnsafeBufferPointer<UInt8>, field: Int) {
        prepend(bytes)
        prepend(varint: UInt64(bytes.count))
        prepend(tag: field, .lengthDelimited)
    }

    public mutating func write(fixed64 bits: UInt64, field: Int) {
        prepend(fixed64: bits)
        prepend(tag: field, .fixed64)
    }

    /// Puts everything that `body` writes into one length-delimited field.
    public mutating func write<E: Error>(
        field: Int, _ body: (inout ProtobufWriter) throws(E) -> Void
    ) throws(E) {
        let before = count
        try body(&self)
        prepend(varint: UInt64(count - before))
        prepend(tag: field, .lengthDelimited)
    }

    // MARK: - Pieces

    mutating func prepend(varint number: UInt64) {
        var length = 1
        var rest = number >> 7
        while rest > 0 { (length, rest) = (length + 1, rest >> 7) }
        reserve(length)
        start -= length
        rest = number
        for index in start..<start + length - 1 {
            storage[index] = UInt8(truncatingIfNeeded: rest) | 0x80
            rest >>= 7
        }
        storage[start + length - 1] = UInt8(truncatingIfNeeded: rest)
    }

    mutating func prepend(fixed64 bits: UInt64) {
        reserve(8)
        start -= 8
        for index in 0..<8 { storage[start + index] = UInt8(truncatingIfNeeded: bits >> UInt64(8 * index)) }
    }

    mutating func prepend(_ bytes: UnsafeBufferPointer<UInt8>) {
        guard let source = bytes.baseAddress, !bytes.isEmpty else { return }
        reserve(bytes.count)
        start -= bytes.count
        let start = start
        storage.withUnsafeMutableBufferPointer { target in
            guard let base = target.baseAddress else { return }
            (base + start).update(from: source, count: bytes.count)
        }
    }

    mutating func prepend(tag field: Int, _ wireType: ProtobufReader.WireType) {
        prepend(varint: UInt64(field) << 3 | UInt64(wireType.rawValue))
    }

    /// Doubles the space in front when it runs out.
    private mutating func reserve(_ count: Int) {
        guard start < count else { return }
        let added = max(storage.count, count)
        storage = Array(repeating: 0, count: added) + storage
        start += added
    }
}
