/// Reads the fields of one message in place. Every step is checked against the end of the message.
public struct ProtobufReader: Sendable {
    private let bytes: [UInt8]
    private var position: Int
    private let end: Int

    /// How a field's content is laid out (Protocol Buffers, "Encoding").
    public enum WireType: Int, Hashable, Sendable {
        case varint = 0
        case fixed64 = 1
        case lengthDelimited = 2
        case startGroup = 3
        case endGroup = 4
        case fixed32 = 5
    }

    /// Reads `bytes` from `offset` to their end.
    public init(_ bytes: [UInt8], from offset: Int = 0) {
        self.init(bytes: bytes, from: min(offset, bytes.count), to: bytes.count)
    }

    private init(bytes: [UInt8], from start: Int, to end: Int) {
        self.bytes = bytes
        position = start
        self.end = end
    }

    public var isAtEnd: Bool { position >= end }

    /// The bytes that are not read yet.
    public var rest: ArraySlice<UInt8> { bytes[position..<end] }

    /// The bytes that are not read yet, as text; what is no UTF-8 is replaced.
    public var text: String {
        bytes.withUnsafeBufferPointer {
            String(decoding: UnsafeBufferPointer(rebasing: $0[position..<end]), as: UTF8.self)
        }
    }

    /// The number and layout of the next field; `nil` at the end.
    public mutating func nextField() throws(ProtobufError) -> (number: Int, wireType: WireType)? {
        guard position < end else { return nil }
        let tag = try varint()
        guard tag <= UInt64(UInt32.max), tag >> 3 > 0 else { throw .malformed("illegal tag \(tag)") }
        guard let wireType = WireType(rawValue: Int(tag & 7)) else {
            throw .malformed("illegal wireType \(tag & 7)")
        }
        return (Int(tag >> 3), wireType)
    }

    public mutating func varint() throws(ProtobufError) -> UInt64 {
        var (number, shift): (UInt64, UInt64) = (0, 0)
        while position < end {
            let byte = bytes[position]
            position += 1
            guard shift < 63 || byte <= 1 else { throw .malformed("integer overflow") }
            number |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return number }
            shift += 7
        }
        throw .truncated
    }

    public mutating func fixed64() throws(ProtobufError) -> UInt64 { try fixed(8) }

    public mutating func fixed32() throws(ProtobufError) -> UInt32 {
        UInt32(truncatingIfNeeded: try fixed(4))
    }

    /// The content of a length-delimited field: a message, a text, bytes or packed numbers.
    public mutating func content() throws(ProtobufError) -> ProtobufReader {
        let length = try varint()
        guard length <= UInt64(end - position) else { throw .truncated }
        let start = position
        position += Int(length)
        return ProtobufReader(bytes: bytes, from: start, to: position)
    }

    /// Steps over the content of a field that nobody knows.
    public mutating func skip(_ wireType: WireType) throws(ProtobufError) {
        var depth = 0
        var wireType = wireType
        while true {
            switch wireType {
            case .varint: _ = try varint()
            case .fixed64: _ = try fixed(8)
            case .fixed32: _ = try fixed(4)
            case .lengthDelimited: _ = try content()
            case .startGroup: depth += 1
            case .endGroup:
                guard depth > 0 else { throw .malformed("unexpected end of group") }
                depth -= 1
            }
            if depth == 0 { return }
            guard let next = try nextField() else { throw .truncated }
            wireType = next.wireType
        }
    }

    private mutating func fixed(_ count: Int) throws(ProtobufError) -> UInt64 {
        guard end - position >= count else { throw .truncated }
        var number: UInt64 = 0
        for index in (0..<count).reversed() { number = number << 8 | UInt64(bytes[position + index]) }
        position += count
        return number
    }
}
