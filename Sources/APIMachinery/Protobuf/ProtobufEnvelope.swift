/// A Kubernetes object in protobuf: four magic bytes, its kind, its message (`runtime.Unknown`).
///
/// The media type is `application/vnd.kubernetes.protobuf`. Objects in a k3s or etcd database have this form too.
public struct ProtobufEnvelope: Hashable, Sendable {
    /// `k8s` and a zero.
    public static let magic: [UInt8] = [0x6B, 0x38, 0x73, 0x00]
    public static let mediaType = "application/vnd.kubernetes.protobuf"

    public var apiVersion: String
    public var kind: String
    /// The object's message, or bytes of ``contentType``.
    public var raw: [UInt8]
    public var contentEncoding = ""
    public var contentType = ""

    public init(apiVersion: String, kind: String, raw: [UInt8]) {
        self.apiVersion = apiVersion
        self.kind = kind
        self.raw = raw
    }

    /// Whether bytes begin like an envelope.
    public static func begins(_ bytes: [UInt8]) -> Bool { bytes.starts(with: magic) }

    /// Reads an envelope; its message is not looked at.
    public init(_ bytes: [UInt8]) throws(ProtobufError) {
        guard Self.begins(bytes) else { throw .noEnvelope }
        self.init(apiVersion: "", kind: "", raw: [])
        var reader = ProtobufReader(bytes, from: Self.magic.count)
        while let (number, wireType) = try reader.nextField() {
            guard wireType == .lengthDelimited, (1...4).contains(number) else {
                try reader.skip(wireType)
                continue
            }
            let content = try reader.content()
            switch number {
            case 1: try readType(content)
            case 2: raw = Array(content.rest)
            case 3: contentEncoding = content.text
            default: contentType = content.text
            }
        }
    }

    private mutating func readType(_ message: ProtobufReader) throws(ProtobufError) {
        var reader = message
        while let (number, wireType) = try reader.nextField() {
            switch (number, wireType) {
            case (1, .lengthDelimited): apiVersion = try reader.content().text
            case (2, .lengthDelimited): kind = try reader.content().text
            default: try reader.skip(wireType)
            }
        }
    }

    /// The envelope as it goes over the wire.
    public var bytes: [UInt8] {
        var writer = ProtobufWriter(capacity: raw.count + apiVersion.utf8.count + kind.utf8.count + 64)
        writer.write(contentType, field: 4)
        writer.write(contentEncoding, field: 3)
        writer.write(raw, field: 2)
        writer.write(field: 1) { writer in
            writer.write(kind, field: 2)
            writer.write(apiVersion, field: 1)
        }
        return Self.magic + writer.bytes
    }
}

extension ProtobufEnvelope {
    /// Wraps an object in canonical JSON; its `apiVersion` and `kind` go into the envelope.
    public static func encode(json: [UInt8], as type: TypeSchema) throws(ProtobufError) -> [UInt8] {
        let kind = kind(of: json)
        return ProtobufEnvelope(
            apiVersion: kind.apiVersion, kind: kind.kind, raw: try Protobuf.encode(json: json, as: type)
        ).bytes
    }

    /// Wraps an object; its `apiVersion` and `kind` go into the envelope.
    public static func encode(_ object: Value, as type: TypeSchema) throws(ProtobufError) -> [UInt8] {
        try encode(json: object.json, as: type)
    }

    /// What an object in canonical JSON says that it is; nothing of what it does not say.
    public static func kind(of json: [UInt8]) -> (apiVersion: String, kind: String) {
        func text(_ name: String) -> String {
            var cursor = JSONCursor(json)
            guard cursor.enterObject(), (try? cursor.skip(toField: name)) == true else { return "" }
            return (try? cursor.readValue())?.string ?? ""
        }
        return (text("apiVersion"), text("kind"))
    }

    /// Reads an object; `schema` knows the types of kinds.
    public static func decode(
        _ bytes: [UInt8], schema: (GroupVersionKind) -> TypeSchema?
    ) throws(ProtobufError) -> Value {
        let envelope = try ProtobufEnvelope(bytes)
        let kind = GroupVersionKind(apiVersion: envelope.apiVersion, kind: envelope.kind)
        guard let type = schema(kind) else { throw .unknownKind(kind) }
        var object = try Protobuf.decode(envelope.raw, as: type)
        object["apiVersion"] = .string(envelope.apiVersion)
        object["kind"] = .string(envelope.kind)
        return object
    }

    /// How many bytes tell the length of a ``watchFrame(type:object:)``, in front of it.
    public static let watchFrameLength = 4

    /// One event of a watch: a length of four bytes, big-endian, and a `WatchEvent` without an envelope of its own
    /// around the object's envelope. The media type has `;stream=watch`.
    public static func watchFrame(type: String, object envelope: [UInt8]) -> [UInt8] {
        var writer = ProtobufWriter(capacity: envelope.count + 32)
        writer.write(field: 2) { $0.write(envelope, field: 1) }
        writer.write(type, field: 1)
        let length = UInt32(writer.count)
        return stride(from: UInt32(24), through: 0, by: -8).map { UInt8(truncatingIfNeeded: length >> $0) }
            + writer.bytes
    }
}
