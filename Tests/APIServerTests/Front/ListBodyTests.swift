import API
import APIMachinery
import Testing

@testable import APIServer

/// A protobuf list on its way out.
@Suite struct ListBodyTests {
    private static func body(_ count: Int, holding: Int) throws -> ListBody {
        let definition = try #require(BuiltinResources.shared.definition(of: .configMaps))
        let items = (0..<count).map { index in
            StoredObject(received: [
                "apiVersion": "v1", "kind": "ConfigMap",
                "metadata": ["name": .string("m\(index)"), "namespace": "default", "resourceVersion": "7"],
                "data": ["k": .string(String(repeating: "x", count: index * 10))],
            ])
        }
        var format = ResponseFormat.json
        format.encoding = .protobuf
        let encoder = ObjectEncoder(format, Registry.Served(definition: definition))
        return try ListBody(ResourceStore.Page(items: items, revision: 9), encoder, holding: holding)
    }

    private static func bytes(_ body: ListBody, atMost count: Int) throws -> (bytes: [UInt8], most: Int) {
        var (body, bytes, most): (ListBody, [UInt8], Int) = (body, [], 0)
        while !body.isFinished {
            let pieces = try body.encode(atMost: count)
            most = max(most, pieces.count)
            bytes += pieces.joined()
        }
        return (bytes, most)
    }

    @Test(arguments: [0, 1, 7, 8, 100], [0, 300, 5000])
    func `it is the same however much of it is held`(count: Int, holding: Int) throws {
        let whole = try Self.bytes(Self.body(count, holding: .max), atMost: .max).bytes
        let list = try ProtobufEnvelope.decode(whole) { kind in
            BuiltinResources.shared.definition(of: .configMaps)?.listType
        }
        #expect(list["items"]?.array?.count ?? 0 == count)
        #expect(list.at("metadata", "resourceVersion") == "9")
        for step in [1, 3, 1000] {
            #expect(try Self.bytes(Self.body(count, holding: holding), atMost: step).bytes == whole)
        }
    }

    @Test func `what is not held goes out little by little`() throws {
        // The first piece has the head before it, the last one the tail behind it.
        #expect(try Self.bytes(Self.body(100, holding: 300), atMost: 3).most == 4)
    }
}
