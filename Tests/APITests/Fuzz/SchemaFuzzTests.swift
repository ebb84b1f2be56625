import API
import APIMachinery
import Testing

/// Random objects of every built-in kind keep what they say, in whatever form they travel.
@Suite struct SchemaFuzzTests {
    /// A kind and where its random objects come from. A failure names both; the seed alone makes the object again.
    struct Case: Sendable, CustomTestStringConvertible {
        var definition: ResourceDefinition
        var seed: UInt64
        var testDescription: String { "\(definition.kind) of \(definition.resource.apiVersion), seed \(seed)" }
    }

    static let kinds = BuiltinResources.shared.resources.filter { $0.type != nil }
    static let cases = (UInt64(0)..<UInt64(8 * kinds.count)).map { seed in
        Case(definition: kinds[Int(seed) % kinds.count], seed: seed)
    }

    @Test(arguments: cases)
    func `JSON to protobuf to JSON is the identity`(item: Case) throws {
        let type = try #require(item.definition.type)
        var source = RandomObject(seed: item.seed)
        var object = try type.decode(source.object(type))
        object["apiVersion"] = .string(item.definition.resource.apiVersion)
        object["kind"] = .string(item.definition.kind)
        #expect(try Value(json: object.json) == object)
        #expect(try type.decode(object) == object, "what is canonical stays so")
        let bytes = try ProtobufEnvelope.encode(object, as: type)
        let back = try ProtobufEnvelope.decode(bytes) { kind in
            kind == item.definition.groupVersionKind ? type : nil
        }
        #expect(back == object)
        #expect(try ProtobufEnvelope.encode(back, as: type) == bytes)
    }
}
