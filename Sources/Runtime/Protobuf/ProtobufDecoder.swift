/// Fills the fields that a message shows from bytes that were cut into fields once, before.
///
/// The first mismatch is kept in ``failure``; the fields after it keep their defaults.
struct ProtobufDecoder: ProtobufFields {
    private(set) var failure: ProtobufError?
    private let fields: [Field]

    private enum Payload {
        case number(UInt64)
        case slice(ArraySlice<UInt8>)
    }

    private struct Field {
        var number: Int
        var payload: Payload
    }

    init(_ bytes: ArraySlice<UInt8>) throws(ProtobufError) {
        var (reader, fields) = (ProtobufReader(bytes), [Field]())
        while !reader.isAtEnd {
            let tag = try reader.varint()
            let number = Int(truncatingIfNeeded: tag >> 3)
            guard let type = ProtobufWireType(rawValue: UInt8(tag & 7)), (1...536_870_911).contains(number)
            else { throw .malformed }
            switch type {
            case .varint: fields.append(Field(number: number, payload: .number(try reader.varint())))
            case .lengthDelimited:
                guard let count = Int(exactly: try reader.varint()) else { throw .truncated }
                fields.append(Field(number: number, payload: .slice(try reader.take(count))))
            // No field of ours is of a fixed width: known only to be skipped.
            case .fixed64: _ = try reader.take(8)
            case .fixed32: _ = try reader.take(4)
            }
        }
        self.fields = fields
    }

    mutating func string(_ number: Int, _ value: inout String) {
        if let slice = slices(number).last { value = String(decoding: slice, as: UTF8.self) }
    }

    mutating func bytes(_ number: Int, _ value: inout [UInt8]) {
        if let slice = slices(number).last { value = Array(slice) }
    }

    mutating func bool(_ number: Int, _ value: inout Bool) {
        if let raw = numbers(number).last { value = raw != 0 }
    }

    mutating func integer<I: FixedWidthInteger>(_ number: Int, _ value: inout I) {
        if let raw = numbers(number).last { value = I(truncatingIfNeeded: raw) }
    }

    mutating func choice<E: RawRepresentable>(_ number: Int, _ value: inout E) where E.RawValue == Int32 {
        if let raw = numbers(number).last { value = E(rawValue: Int32(truncatingIfNeeded: raw)) ?? value }
    }

    mutating func message<M: ProtobufMessage>(_ number: Int, _ value: inout M?) {
        let parts = slices(number)
        guard let last = parts.last else { return }
        // Two parts of one message are its fields in a row (Protocol Buffers encoding, "Last One Wins").
        value = decode(parts.count == 1 ? last : ArraySlice(parts.joined()))
    }

    mutating func strings(_ number: Int, _ values: inout [String]) {
        values = slices(number).map { String(decoding: $0, as: UTF8.self) }
    }

    mutating func integers<I: FixedWidthInteger>(_ number: Int, _ values: inout [I]) {
        for field in fields where field.number == number {
            switch field.payload {
            case .number(let raw): values.append(I(truncatingIfNeeded: raw))
            case .slice(let packed):
                var reader = ProtobufReader(packed)
                while !reader.isAtEnd {
                    guard let raw = try? reader.varint() else { return fail(.mismatched(field: number)) }
                    values.append(I(truncatingIfNeeded: raw))
                }
            }
        }
    }

    mutating func messages<M: ProtobufMessage>(_ number: Int, _ values: inout [M]) {
        for slice in slices(number) {
            if let message: M = decode(slice) { values.append(message) }
        }
    }

    mutating func map(_ number: Int, _ values: inout [String: String]) {
        for slice in slices(number) {
            if let entry: MapEntry = decode(slice) { values[entry.key] = entry.value }
        }
    }

    private mutating func decode<M: ProtobufMessage>(_ slice: ArraySlice<UInt8>) -> M? {
        do throws(ProtobufError) {
            return try M(protobuf: slice)
        } catch {
            fail(error)
            return nil
        }
    }

    private mutating func slices(_ number: Int) -> [ArraySlice<UInt8>] {
        var found: [ArraySlice<UInt8>] = []
        for field in fields where field.number == number {
            guard case .slice(let slice) = field.payload else {
                fail(.mismatched(field: number))
                return []
            }
            found.append(slice)
        }
        return found
    }

    private mutating func numbers(_ number: Int) -> [UInt64] {
        var found: [UInt64] = []
        for field in fields where field.number == number {
            guard case .number(let raw) = field.payload else {
                fail(.mismatched(field: number))
                return []
            }
            found.append(raw)
        }
        return found
    }

    private mutating func fail(_ error: ProtobufError) {
        if failure == nil { failure = error }
    }
}

/// Cuts bytes into varints and slices.
private struct ProtobufReader {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func varint() throws(ProtobufError) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            guard let byte = rest.popFirst() else { throw .truncated }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        throw .malformed
    }

    mutating func take(_ count: Int) throws(ProtobufError) -> ArraySlice<UInt8> {
        guard count <= rest.count else { throw .truncated }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }
}
