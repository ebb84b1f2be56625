/// A message of a runtime's gRPC interface. One list of its fields, ``visit(_:)``, serves both directions:
/// the encoder reads each field it is shown, the decoder fills it.
///
/// Why not the schema engine's tables, as for Kubernetes' objects: those go through a tree keyed by names,
/// which these messages never need. Here a field is one line, and costs neither a look-up by name nor a
/// dictionary.
protocol ProtobufMessage: Sendable {
    init()

    /// Shows every field, with its number in the published interface. A field that is not shown is not sent,
    /// and dropped when it comes.
    mutating func visit<F: ProtobufFields>(_ fields: inout F)
}

/// What a message shows its fields to. Proto3's rule holds for all: a field at its default is not on the
/// wire.
protocol ProtobufFields {
    mutating func string(_ number: Int, _ value: inout String)
    mutating func bytes(_ number: Int, _ value: inout [UInt8])
    mutating func bool(_ number: Int, _ value: inout Bool)
    /// `int32`, `int64`, `uint32` and `uint64`: on the wire one thing, a varint of the sign-extended number.
    mutating func integer<I: FixedWidthInteger>(_ number: Int, _ value: inout I)
    /// An open enumeration: a number without a name leaves the value as it is.
    mutating func choice<E: RawRepresentable>(_ number: Int, _ value: inout E) where E.RawValue == Int32
    mutating func message<M: ProtobufMessage>(_ number: Int, _ value: inout M?)
    mutating func strings(_ number: Int, _ values: inout [String])
    /// Packed, and read in either form.
    mutating func integers<I: FixedWidthInteger>(_ number: Int, _ values: inout [I])
    mutating func messages<M: ProtobufMessage>(_ number: Int, _ values: inout [M])
    mutating func map(_ number: Int, _ values: inout [String: String])
}

extension ProtobufFields {
    /// A message that is always sent, and is at its defaults when it does not come.
    mutating func message<M: ProtobufMessage>(_ number: Int, _ value: inout M) {
        var box: M? = value
        message(number, &box)
        value = box ?? value
    }

    /// A number that may be absent: a message of its own whose field 1 is the number (`Int64Value`,
    /// `UInt64Value`).
    mutating func wrapped<I: FixedWidthInteger & Sendable>(_ number: Int, _ value: inout I?) {
        var box = value.map { Wrapped(value: $0) }
        message(number, &box)
        value = box?.value
    }
}

private struct Wrapped<I: FixedWidthInteger & Sendable>: ProtobufMessage {
    var value: I = 0
    mutating func visit<F: ProtobufFields>(_ fields: inout F) { fields.integer(1, &value) }
}

/// A message without fields.
struct EmptyMessage: ProtobufMessage {
    mutating func visit<F: ProtobufFields>(_ fields: inout F) {}
}

extension ProtobufMessage {
    /// The message on the wire.
    var protobuf: [UInt8] {
        var (copy, encoder) = (self, ProtobufEncoder())
        copy.visit(&encoder)
        return encoder.bytes
    }

    /// Reads a message; what it does not know is skipped.
    init(protobuf bytes: [UInt8]) throws(ProtobufError) {
        try self.init(protobuf: bytes[...])
    }

    init(protobuf bytes: ArraySlice<UInt8>) throws(ProtobufError) {
        var decoder = try ProtobufDecoder(bytes)
        self.init()
        visit(&decoder)
        if let failure = decoder.failure { throw failure }
    }
}

/// Why bytes are not the message that they should be.
enum ProtobufError: Error, Equatable {
    /// The bytes end within a field.
    case truncated
    /// A field is there in a form that its type cannot have.
    case mismatched(field: Int)
    /// A field number or wire type that does not exist.
    case malformed
}
