/// Trees as protobuf messages and back, by the schema's tables: no generated code.
///
/// A table says which dialect it is. Kubernetes' types are proto2 as its own encoder writes them: scalars and structs
/// that are no pointers are always there, zero or not; numbers in lists are not packed; maps are sorted. CRI and etcd
/// are proto3: zero scalars are left out and numbers are packed. Both read what either writes. Fields that the schema
/// does not know are skipped, in either direction.
public enum Protobuf {
    /// How deep messages may nest.
    public static let deepestNesting = 200

    /// The message that says what `object` says. `object` is in the form that ``TypeSchema/decode(_:)`` gives.
    public static func encode(_ object: Value, as type: TypeSchema) throws(ProtobufError) -> [UInt8] {
        try encode(json: object.json, as: type)
    }

    /// The message that says what an object in canonical JSON says, as a ``StoredObject`` holds it. Cheaper than by way of
    /// a tree.
    public static func encode(json: [UInt8], as type: TypeSchema) throws(ProtobufError) -> [UInt8] {
        let outcome: Result<[UInt8], ProtobufError> = json.withUnsafeBufferPointer { json in
            do throws(ProtobufError) { return .success(try ProtobufEncoder.encode(json, as: type)) } catch {
                return .failure(error)
            }
        }
        return try outcome.get()
    }

    /// The object that a message says, in the form that ``TypeSchema/decode(_:)`` gives.
    ///
    /// Of a field that is there twice the last one counts.
    public static func decode(_ bytes: [UInt8], as type: TypeSchema) throws(ProtobufError) -> Value {
        try decode(ProtobufReader(bytes), as: type)
    }

    /// See ``decode(_:as:)``.
    public static func decode(_ message: ProtobufReader, as type: TypeSchema) throws(ProtobufError) -> Value {
        var decoder = ProtobufDecoder()
        return .object(try decoder.decode(message, as: type))
    }
}
