import APIMachinery
import Testing

/// Fields that a type does not know or that a text gives twice, in the order of the text.
@Suite struct FieldProblemTests {
    private static func type() throws -> TypeSchema {
        var builder = SchemaBuilder()
        let port = SchemaBuilder.Field("", .object("Port"))
        builder.add(
            "Port", [SchemaBuilder.Field("name", .string), SchemaBuilder.Field("number", .int64)])
        builder.add(
            "Either", [SchemaBuilder.Field("allows", .bool), SchemaBuilder.Field("port", .object("Port"))])
        builder.add(
            "Thing",
            [
                SchemaBuilder.Field("either", .union("Either")),
                SchemaBuilder.Field("free", .any),
                SchemaBuilder.Field("labels", .map(SchemaBuilder.Field("", .string))),
                SchemaBuilder.Field("lists", .list(SchemaBuilder.Field("", .list(port)))),
                SchemaBuilder.Field("named", .map(port)),
                SchemaBuilder.Field("ports", .list(port)),
                SchemaBuilder.Field("raw", .rawExtension),
            ])
        return try #require(SchemaTable(builder.build()).type(named: "Thing"))
    }

    private static let texts: [(String, [String])] = [
        (#"{}"#, []), (#"{"ports":[{"name":"a","number":1}],"labels":{"any":"x"}}"#, []),
        (#"{"z":1,"ports":[],"a":2}"#, ["unknown z", "unknown a"]),
        (#"{"labels":{"a":"1","b":"2","a":"3"},"labels":{}}"#, ["duplicate labels.a", "duplicate labels"]),
        // What is unknown is not told to be there twice, and nobody looks into it.
        (#"{"z":{"a":1,"a":2},"z":[{"b":1,"b":2}],"labels":{},"labels":{}}"#, ["unknown z", "duplicate labels"]),
        (
            #"{"ports":[{"x":1},{"number":1,"number":2,"x":1}]}"#,
            ["unknown ports[0].x", "duplicate ports[1].number", "unknown ports[1].x"]
        ),
        (#"{"lists":[[],[{"name":"a"},{"x":1}]]}"#, ["unknown lists[1][1].x"]),
        (#"{"named":{"k":{"x":1},"k":{"x":1}}}"#, ["unknown named.k.x", "duplicate named.k"]),
        (#"{"either":{"x":1}}"#, ["unknown either.x"]), (#"{"either":true}"#, []),
        // A raw extension is read by other rules; what has no type may say anything once.
        (#"{"raw":{"a":1,"a":2},"free":{"a":[{"b":1,"b":2}]}}"#, ["duplicate free.a[0].b"]),
        (#" { "ports" : [ { "name" : "a" , "name" : "b" } ] } "#, ["duplicate ports[0].name"]),
        // Up to where the text is no JSON any more.
        (#"{"z":1,"labels":{"#, ["unknown z"]),
    ]

    @Test(arguments: texts)
    func `problems are named in the order of the text`(text: String, expected: [String]) throws {
        let found = FieldProblem.all(inJSON: Array(text.utf8), as: try Self.type()).map { problem in
            switch problem {
            case .unknown(let path): "unknown " + path
            case .duplicate(let path): "duplicate " + path
            }
        }
        #expect(found == expected)
    }

    @Test func `no more than a hundred are named`() throws {
        let text = "{" + (0..<300).map { "\"x\($0)\":1" }.joined(separator: ",") + "}"
        let found = FieldProblem.all(inJSON: Array(text.utf8), as: try Self.type())
        #expect(found.count == 100)
        #expect(found.last?.description == #"unknown field "x99""#)
    }

    private static let patches: [(String, [String])] = [
        (#"[{"op":"add","path":"/a","value":{"x":1}},{"op":"move","from":"/a","path":"/b"}]"#, []),
        (
            #"[{"op":"add","path":"/a","value":1,"foo":{"x":1,"x":2}},{"op":"add","path":"/b","path":"/c","value":1}]"#,
            [#"unknown field "[0].foo""#, #"duplicate field "[1].path""#]
        ),
        (#"[{"op":"add","path":"/a","value":{"x":[{"y":1,"y":2}]}}]"#, [#"duplicate field "[0].value.x[0].y""#]),
    ]

    @Test(arguments: patches)
    func `operations of a JSON patch have their fields and no others`(patch: String, expected: [String]) throws {
        let bytes = Array(patch.utf8)
        #expect(JSONPatch.fieldProblems(inJSON: bytes).map(\.description) == expected)
        let operations = try #require(try Value(json: bytes).array)
        #expect(JSONPatch.haveUnknownFields(operations) == expected.contains { $0.hasPrefix("unknown") })
    }
}
