import Support
import Testing

@testable import APIMachinery

@Suite struct ProtobufTests {
    private static func bytes(_ hex: String) -> [UInt8] {
        let digits = hex.filter { $0 != " " }.utf8.map { UInt8($0 < 97 ? $0 - 48 : $0 - 87) }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }

    // Worked out by hand from the encoding rules.
    @Test(arguments: [
        // name "a" (1), image "" (2, always), resources {} (8, always), stdin false (16, always)
        ("Container", #"{"name":"a","resources":{}}"#, "0a0161 1200 4200 800100"),
        // env: name "E", value ""
        (
            "Container", #"{"env":[{"name":"E"}],"name":"a","resources":{},"stdin":true}"#,
            "0a0161 1200 3a05 0a0145 1200 4200 800101"
        ),
        // creationTimestamp 2026-01-01T00:00:00Z is 1767225600 = 0x6955B900; labels sorted; deletionTimestamp is absent
        (
            "ObjectMeta",
            #"{"creationTimestamp":"2026-01-01T00:00:00Z","labels":{"a":"1","b":""},"name":"x"}"#,
            "0a0178 3800 4208 0880f2d6ca06 1000 5a06 0a0161 120131 5a05 0a0162 1200"
        ),
        // a zero creationTimestamp is an empty message
        ("ObjectMeta", #"{"finalizers":["f","g"]}"#, "0a00 3800 4200 720166 720167"),
        // a pointer to zero is written, numbers or texts are three fields
        (
            "RollingUpdate", #"{"maxSurge":"25%","maxUnavailable":0}"#,
            "0a06 0800 1000 1a00 1209 0801 1000 1a03323525"
        ),
        (
            "DeploymentSpec", #"{"replicas":-1,"strategy":{},"template":{"metadata":{},"spec":{}}}"#,
            "08ffffffffffffffffff01 1a0c 0a06 0a0038004200 1202 1a00 2202 0a00"
        ),
        // an embedded struct is a message that holds fields of the same object
        ("Volume", #"{"emptyDir":{},"name":"v"}"#, "0a0176 1204 1202 0a00"),
        ("Volume", #"{"name":"v"}"#, "0a0176 1200"),
        ("Resources", #"{"limits":{"cpu":"1"}}"#, "0a0a 0a03637075 1203 0a0131"),
        // texts with escapes, as keys and as values
        ("ObjectMeta", #"{"labels":{"\"":"\n"},"name":"\u0001\\"}"#, "0a02015c 3800 4200 5a06 0a0122 12010a"),
    ])
    func `objects have the bytes that Kubernetes gives them`(name: String, json: String, hex: String) throws {
        let type = MiniSchema.type(name)
        #expect(Hex.encode(try Protobuf.encode(Value(json: json), as: type)) == hex.filter { $0 != " " })
        #expect(try Protobuf.decode(Self.bytes(hex), as: type).description == json)
    }

    @Test func `the envelope carries the kind`() throws {
        let object: Value = ["apiVersion": "v1", "kind": "Volume", "name": "v"]
        let bytes = try ProtobufEnvelope.encode(object, as: MiniSchema.type("Volume"))
        #expect(Hex.encode(bytes) == "6b3873000a0c0a0276311206566f6c756d6512050a01761200" + "1a002200")
        let decoded = try ProtobufEnvelope.decode(bytes) {
            $0.kind == "Volume" ? MiniSchema.type("Volume") : nil
        }
        #expect(decoded == object)
        let kind = GroupVersionKind(group: "", version: "v1", kind: "Volume")
        #expect(throws: ProtobufError.unknownKind(kind)) { try ProtobufEnvelope.decode(bytes) { _ in nil } }
        #expect(throws: ProtobufError.noEnvelope) { try ProtobufEnvelope(Array("{}".utf8)) }
        #expect(
            Hex.encode(ProtobufEnvelope.watchFrame(type: "ADDED", object: [1, 2])) == "0000000d"
                + "0a054144444544" + "12040a020102")
    }

    @Test func `unknown fields are skipped, both ways`() throws {
        let type = MiniSchema.type("EmptyDir")
        // 1: "m", then numbers 100 (varint), 101 (fixed64), 102 (bytes), 103 (fixed32), 104 (a group with a varint).
        let bytes = Self.bytes("0a016d a0060a a9060102030405060708 b20601ff bd0601020304 c306 0801 c406")
        #expect(try Protobuf.decode(bytes, as: type) == ["medium": "m"])
        #expect(try Protobuf.encode(["medium": "m", "other": 1], as: type) == Self.bytes("0a016d"))
    }

    @Test(arguments: [
        ("EmptyDir", "0a05", ProtobufError.truncated), ("EmptyDir", "0a", .truncated),
        ("EmptyDir", "80", .truncated),
        ("EmptyDir", "0801", .wrongWireType(field: "medium", found: 0)),
        ("EmptyDir", "00", .malformed("illegal tag 0")),
        ("EmptyDir", "0affffffffffffffffff02", .malformed("integer overflow")),
        ("EmptyDir", "0e", .malformed("illegal wireType 6")),
        ("EmptyDir", "1c", .malformed("unexpected end of group")), ("EmptyDir", "1b", .truncated),
        ("ObjectMeta", "420a 08ffffffffffffffff7f", .malformed("time out of range in creationTimestamp")),
        ("Resources", "0a05 1203 0a0165", .malformed("unable to parse quantity's suffix in limits")),
    ])
    func `hostile bytes are refused`(name: String, hex: String, error: ProtobufError) {
        #expect(throws: error) { try Protobuf.decode(Self.bytes(hex), as: MiniSchema.type(name)) }
    }

    @Test func `nesting is bounded`() throws {
        let type = ProtobufWorld.kubernetes
        var bytes: [UInt8] = []
        var tree = Value.emptyObject
        for _ in 0..<300 {
            var writer = ProtobufWriter()
            writer.write(bytes, field: 40)
            bytes = writer.bytes
            tree = ["child": tree]
        }
        #expect(throws: ProtobufError.tooDeep) { try Protobuf.decode(bytes, as: type) }
        #expect(throws: ProtobufError.tooDeep) { try Protobuf.encode(tree, as: type) }
    }

    @Test(arguments: [
        (#"{"name":1}"#, "name", "a string", "number"),
        (#"{"env":[{"name":true}]}"#, "env.name", "a string", "bool"),
        (
            #"{"ports":[{"containerPort":4294967296}]}"#, "ports.containerPort", "a number of 32 bits",
            "number"
        ),
        (#"{"args":{}}"#, "args", "an array", "object"),
        (#"{"resources":{"limits":[]}}"#, "resources.limits", "an object", "array"),
    ])
    func `a tree that breaks the schema is refused with its path`(
        json: String, field: String, expected: String, found: String
    ) {
        #expect(throws: ProtobufError.wrongValue(field: field, expected: expected, found: found)) {
            try Protobuf.encode(Value(json: json), as: MiniSchema.type("Container"))
        }
    }

    @Test(arguments: UInt64(0)..<200)
    func `every object survives, in both dialects`(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        for type in [ProtobufWorld.kubernetes, ProtobufWorld.proto3] {
            let object = ProtobufWorld.object(of: type, depth: 2, using: &random)
            let bytes = try Protobuf.encode(object, as: type)
            let decoded = try Protobuf.decode(bytes, as: type)
            #expect(decoded.json == object.json)
            #expect(try Protobuf.encode(decoded, as: type) == bytes)
            // What protobuf says is what JSON says.
            if !type.table.isProto3 { #expect(try type.decode(object).json == object.json) }
        }
    }

    @Test(arguments: UInt64(0)..<200)
    func `damaged messages never trap`(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        for type in [ProtobufWorld.kubernetes, ProtobufWorld.proto3] {
            var bytes = try Protobuf.encode(
                ProtobufWorld.object(of: type, depth: 2, using: &random), as: type)
            guard !bytes.isEmpty else { continue }
            for _ in 0..<4 {
                bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(
                    in: 0...255, using: &random)
            }
            guard let decoded = try? Protobuf.decode(bytes, as: type) else { continue }
            #expect(throws: Never.self) { try Protobuf.encode(decoded, as: type) }
        }
    }

    @Test func `proto3 leaves zeros out and packs numbers`() throws {
        let type = ProtobufWorld.proto3
        let object: Value = [
            "flag": false, "text": "", "count": 0, "maybe": 0, "numbers": [1, 300, -1], "size": -1,
        ]
        let bytes = try Protobuf.encode(object, as: type)
        #expect(
            Hex.encode(bytes) == "1800" + "220d" + "01" + "ac02" + "ffffffffffffffffff01"
                + "48ffffffffffffffffff01")
        #expect(try Protobuf.decode(bytes, as: type) == ["maybe": 0, "numbers": [1, 300, -1], "size": -1])
        // The same numbers, not packed.
        #expect(try Protobuf.decode(Self.bytes("2001 20ac02"), as: type) == ["numbers": [1, 300]])
    }
}

/// Types that have a field of every kind, and random objects of them in canonical form.
private enum ProtobufWorld {
    typealias Field = SchemaBuilder.Field

    static let kubernetes = table(isProto3: false)
    static let proto3 = table(isProto3: true)

    private static func table(isProto3: Bool) -> TypeSchema {
        var builder = SchemaBuilder(isProto3: isProto3)
        builder.add("All", isProto3 ? proto3Fields : kubernetesFields)
        builder.add(
            "Embedded",
            [Field("inner", .string, number: 3, flags: .omitEmpty), Field("other", .int32, number: 1)])
        builder.add(
            "OrFlag",
            [
                Field("Allows", .bool, number: 1),
                Field("Schema", .object("Leaf"), number: 2, flags: .pointer),
            ])
        builder.add(
            "OrList",
            [
                Field("Schema", .object("Leaf"), number: 1, flags: .pointer),
                Field("List", .list(Field("", .string)), number: 2),
            ])
        builder.add("Leaf", [Field("name", .string, number: 1, flags: .omitEmpty)])
        guard let type = SchemaTable(builder.build()).type(named: "All") else {
            preconditionFailure("just added")
        }
        return type
    }

    private static var kubernetesFields: [Field] {
        let scalars: [(String, SchemaBuilder.Kind)] = [
            ("string", .string), ("bool", .bool), ("int32", .int32), ("int64", .int64), ("float", .float64),
            ("time", .time),
            ("micro", .microTime), ("quantity", .quantity), ("port", .intOrString), ("leaf", .object("Leaf")),
        ]
        var fields: [Field] = []
        for (index, scalar) in scalars.enumerated() {
            fields.append(Field(scalar.0, scalar.1, number: 1 + index))
            fields.append(Field(scalar.0 + "Omit", scalar.1, number: 11 + index, flags: .omitEmpty))
            fields.append(
                Field(scalar.0 + "Pointer", scalar.1, number: 21 + index, flags: [.omitEmpty, .pointer]))
        }
        var wrapped = Field("", .list(Field("", .string)))
        wrapped.flags = .wrappedList
        return fields + [
            Field("child", .object("All"), number: 40, flags: [.omitEmpty, .pointer]),
            Field("children", .list(Field("", .object("Leaf"))), number: 41),
            Field("ints", .list(Field("", .int64)), number: 42),
            Field("floats", .list(Field("", .float64)), number: 43),
            Field("extra", .map(wrapped), number: 44),
            Field("verbs", .list(Field("", .string)), number: 45, flags: .wrappedList),
            Field("byName", .map(Field("", .object("Leaf"))), number: 46),
            Field("amounts", .map(Field("", .quantity)), number: 47),
            Field("data", .map(Field("", .bytes)), number: 48),
            Field("blob", .bytes, number: 49, flags: .omitEmpty),
            Field("raw", .rawExtension, number: 50),
            Field("json", .json, number: 51, flags: [.omitEmpty, .pointer]),
            Field("orFlag", .union("OrFlag"), number: 52, flags: [.omitEmpty, .pointer]),
            Field("orList", .union("OrList"), number: 53, flags: [.omitEmpty, .pointer]),
            Field("wait", .duration, number: 54, flags: [.omitEmpty, .pointer]),
            Field("zeroLeaf", .object("Leaf"), number: 55, flags: [.omitEmpty, .omitZero]),
            Field("", .object("Embedded"), number: 56, flags: .inline),
            Field("inner", .string, flags: .omitEmpty),
            Field("other", .int32),
        ]
    }

    private static var proto3Fields: [Field] {
        [
            Field("flag", .bool, number: 1), Field("text", .string, number: 2),
            Field("maybe", .int64, number: 3, flags: .pointer),
            Field("numbers", .list(Field("", .int64)), number: 4),
            Field("flags", .list(Field("", .bool)), number: 5),
            Field("words", .list(Field("", .uint32)), number: 6),
            Field("texts", .list(Field("", .string)), number: 7),
            Field("count", .uint32, number: 8), Field("size", .uint64, number: 9),
            Field("blob", .bytes, number: 10),
            Field("labels", .map(Field("", .string)), number: 11), Field("child", .object("All"), number: 12),
            Field("children", .list(Field("", .object("All"))), number: 13),
            Field("rate", .float64, number: 14),
            Field("rates", .list(Field("", .float64)), number: 15), Field("small", .int32, number: 16),
        ]
    }

    /// In the form that decoding gives: zeros where they are always written, nothing where they never are.
    static func object(of type: TypeSchema, depth: Int, using random: inout SeededRandom) -> Value {
        var entries: [Fields.Entry] = []
        for field in type.fields {
            let isPresent = Int.random(in: 0..<3, using: &random) > 0
            if isPresent, let value = value(of: field, field.kind, depth: depth, using: &random) {
                if type.table.isProto3 {
                    let isZero = [Value.bool(false), .integer(0), .string("")].contains(value)
                    if isZero, !field.flags.contains(.pointer) { continue }
                } else if field.omits(value) || (field.flags.contains(.omitZero) && value == .emptyObject) {
                    continue
                }
                entries.append(Fields.Entry(key: field.name, value: value))
            } else if !type.table.isProto3 {
                field.appendZero(to: &entries)
            }
        }
        return .object(Fields(unsorted: entries))
    }

    private static func value(
        of field: FieldSchema, _ kind: FieldKind, depth: Int, using random: inout SeededRandom
    ) -> Value? {
        let seconds = Int64.random(in: -3_000_000_000...4_000_000_000, using: &random)
        let text = ["", "a", "é", String(repeating: "x", count: 200)].randomElement(using: &random) ?? ""
        let bytes = (0..<Int.random(in: 0..<5, using: &random)).map { _ in
            UInt8.random(in: 0...255, using: &random)
        }
        switch kind {
        case .string: return .string(text)
        case .bool: return .bool(.random(using: &random))
        case .int32:
            return .integer(
                Int64(
                    Int32.random(in: .min ... .max, using: &random)
                        >> Int32.random(in: 0..<32, using: &random)))
        case .int64, .uint64:
            return .integer(
                Int64.random(in: .min ... .max, using: &random) >> Int64.random(in: 0..<64, using: &random))
        case .uint32: return .integer(Int64(UInt32.random(in: 0 ... .max, using: &random)))
        case .float64: return .double(Double(Int.random(in: -9...9, using: &random)) + 0.25)
        case .bytes: return .string(Base64.encode(bytes))
        case .any: return nil
        case .json, .rawExtension, .fieldsV1: return ["any": ["thing", .integer(1), .null]]
        case .time: return .string(Timestamp(seconds: seconds).description)
        case .microTime: return .string(Timestamp(seconds: seconds, nanoseconds: 123_456_000).microseconds)
        case .duration: return .string(GoDuration.format(nanoseconds: seconds))
        case .quantity:
            return .string(Quantity(milli: Int64.random(in: -5000...5000, using: &random)).description)
        case .intOrString: return Bool.random(using: &random) ? .integer(seconds >> 8) : .string(text)
        case .object(let type): return depth > 0 ? object(of: type, depth: depth - 1, using: &random) : nil
        case .union(let type):
            if Bool.random(using: &random) { return ["name": "n"] }
            return type.name == "OrFlag" ? .bool(.random(using: &random)) : ["x", "y"]
        case .list(let element):
            let count = Int.random(in: 1..<4, using: &random)
            let elements = (0..<count).compactMap { _ in
                value(of: element, element.kind, depth: depth - 1, using: &random)
            }
            return elements.isEmpty ? nil : .array(elements)
        case .map(let values):
            let keys = ["", "k", "l", "é"].filter { _ in Bool.random(using: &random) }
            let pairs = keys.compactMap { key in
                value(of: values, values.kind, depth: depth - 1, using: &random).map { (key, $0) }
            }
            return pairs.isEmpty ? nil : .object(Fields(pairs))
        }
    }
}
