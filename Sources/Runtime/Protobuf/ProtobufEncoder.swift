/// Writes the fields that a message shows, in the order in which it shows them.
struct ProtobufEncoder: ProtobufFields {
    private(set) var bytes: [UInt8] = []

    mutating func string(_ number: Int, _ value: inout String) {
        guard !value.isEmpty else { return }
        append(number, text: value)
    }

    mutating func bytes(_ number: Int, _ value: inout [UInt8]) {
        guard !value.isEmpty else { return }
        tag(number, .lengthDelimited)
        varint(UInt64(value.count))
        bytes += value
    }

    mutating func bool(_ number: Int, _ value: inout Bool) {
        guard value else { return }
        tag(number, .varint)
        varint(1)
    }

    mutating func integer<I: FixedWidthInteger>(_ number: Int, _ value: inout I) {
        guard value != 0 else { return }
        tag(number, .varint)
        varint(UInt64(truncatingIfNeeded: value))
    }

    mutating func choice<E: RawRepresentable>(_ number: Int, _ value: inout E) where E.RawValue == Int32 {
        var raw = value.rawValue
        integer(number, &raw)
    }

    mutating func message<M: ProtobufMessage>(_ number: Int, _ value: inout M?) {
        guard let value else { return }
        append(number, value)
    }

    mutating func strings(_ number: Int, _ values: inout [String]) {
        for value in values { append(number, text: value) }
    }

    mutating func integers<I: FixedWidthInteger>(_ number: Int, _ values: inout [I]) {
        guard !values.isEmpty else { return }
        var packed = ProtobufEncoder()
        for value in values { packed.varint(UInt64(truncatingIfNeeded: value)) }
        bytes(number, &packed.bytes)
    }

    mutating func messages<M: ProtobufMessage>(_ number: Int, _ values: inout [M]) {
        for value in values { append(number, value) }
    }

    mutating func map(_ number: Int, _ values: inout [String: String]) {
        // Sorted, so that equal messages are equal bytes.
        for (key, value) in values.sorted(by: { $0.key < $1.key }) {
            append(number, MapEntry(key: key, value: value))
        }
    }

    private mutating func append(_ number: Int, text: String) {
        tag(number, .lengthDelimited)
        varint(UInt64(text.utf8.count))
        bytes += text.utf8
    }

    private mutating func append(_ number: Int, _ message: some ProtobufMessage) {
        let body = message.protobuf
        tag(number, .lengthDelimited)
        varint(UInt64(body.count))
        bytes += body
    }

    private mutating func tag(_ number: Int, _ type: ProtobufWireType) {
        varint(UInt64(number) << 3 | UInt64(type.rawValue))
    }

    private mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}

/// How a field's length is known without knowing the field.
enum ProtobufWireType: UInt8 {
    case varint = 0
    case fixed64 = 1
    case lengthDelimited = 2
    case fixed32 = 5
}

/// On the wire a map is a list of these.
struct MapEntry: ProtobufMessage {
    var key = ""
    var value = ""

    mutating func visit<F: ProtobufFields>(_ fields: inout F) {
        fields.string(1, &key)
        fields.string(2, &value)
    }
}
