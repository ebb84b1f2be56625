import APIMachinery
import Testing

/// Compiled schemas of custom resources: what they drop, complete and refuse.
@Suite struct StructuralSchemaTests {
    /// A stand-in for the type of object metadata.
    private static func metadata() throws -> TypeSchema {
        var builder = SchemaBuilder()
        builder.add("ObjectMeta", [SchemaBuilder.Field("name", .string, flags: .omitEmpty)])
        return try #require(SchemaTable(builder.build()).type(named: "ObjectMeta"))
    }

    private static func schema(_ spec: Value) throws -> StructuralSchema {
        StructuralSchema(["type": "object", "properties": ["spec": spec]], kind: "Thing", metadata: try metadata())
    }

    private static func errors(_ spec: Value, _ value: Value) throws -> [String] {
        try schema(spec).validate(["spec": value]).map(\.description)
    }

    private static func shaped(_ spec: Value, _ value: Value) throws -> (Value?, unknown: [String]) {
        var object: Value = ["spec": value]
        var unknown: [String] = []
        try schema(spec).shape(&object, unknownFields: &unknown)
        return (object["spec"], unknown)
    }

    @Test func `what the schema does not know is dropped and named`() throws {
        let spec: Value = [
            "type": "object",
            "properties": [
                "list": ["type": "array", "items": ["type": "object", "properties": ["a": ["type": "string"]]]],
                "open": [
                    "type": "object", "x-kubernetes-preserve-unknown-fields": true,
                    "properties": ["shut": ["type": "object", "properties": [:]]],
                ],
                "map": ["type": "object", "additionalProperties": ["type": "object", "properties": [:]]],
            ],
        ]
        let (value, unknown) = try Self.shaped(
            spec,
            [
                "list": [["a": "x", "b": "y"]], "open": ["any": 1, "shut": ["in": 2]], "map": ["k": ["v": 1]],
                "more": true,
            ])
        #expect(value == ["list": [["a": "x"]], "open": ["any": 1, "shut": [:]], "map": ["k": [:]]])
        #expect(unknown == ["spec.list[0].b", "spec.map.k.v", "spec.more", "spec.open.shut.in"])
    }

    @Test func `what is dropped is named in order, what is in the metadata of objects inside at last`() throws {
        let spec: Value = [
            "type": "object",
            "properties": [
                "inner": ["type": "object", "x-kubernetes-embedded-resource": true, "properties": [:]],
                "list": ["type": "array", "items": ["type": "object", "properties": [:]]],
            ],
        ]
        let items = (0...10).map { index -> Value in index == 2 || index == 10 ? ["x": 1] : [:] }
        let (_, unknown) = try Self.shaped(
            spec,
            [
                "inner": ["apiVersion": "v1", "kind": "A", "metadata": ["b": 1, "name": "n"], "z": 1],
                "list": .array(items), "a": 1,
            ])
        #expect(
            unknown == [
                "spec.a", "spec.inner.z", "spec.list[10].x", "spec.list[2].x", "spec.inner.metadata.b",
            ])
    }

    @Test func `defaults fill what is absent, also inside of defaults, and nulls that cannot be`() throws {
        let inner: Value = ["type": "object", "default": [:], "properties": ["n": ["type": "integer", "default": 7]]]
        let spec: Value = [
            "type": "object",
            "properties": [
                "inner": inner, "text": ["type": "string", "default": "t"], "free": ["type": "string"],
                "null": ["type": "string", "nullable": true],
                "items": ["type": "array", "items": inner],
            ],
        ]
        let (value, _) = try Self.shaped(spec, ["text": .null, "free": .null, "null": .null, "items": [[:], .null]])
        #expect(value == ["inner": ["n": 7], "text": "t", "null": .null, "items": [["n": 7], ["n": 7]]])
    }

    @Test(
        arguments: [
            (
                ["type": "string"], 1,
                "spec: Invalid value: \"integer\": spec in body must be of type string: \"integer\""
            ),
            (
                ["type": "integer"], 1.5,
                "spec: Invalid value: \"number\": spec in body must be of type integer: \"number\""
            ),
            (["type": "string"], .null, "spec: Invalid value: \"null\": spec in body must be of type string: \"null\""),
            (
                ["x-kubernetes-int-or-string": true], true,
                "spec: Invalid value: \"boolean\": spec in body must be of type integer,string: \"boolean\""
            ),
            (
                ["type": "string", "enum": ["a", "b"]], "c",
                "spec: Unsupported value: \"c\": supported values: \"a\", \"b\""
            ),
            (["type": "string", "maxLength": 2], "abc", "spec: Too long: may not be more than 2 bytes"),
            (
                ["type": "string", "minLength": 2], "a",
                "spec: Invalid value: \"a\": spec in body should be at least 2 chars long"
            ),
            (
                ["type": "number", "maximum": 1_000_000, "exclusiveMaximum": true], 1_000_000,
                "spec: Invalid value: 1000000: spec in body should be less than 1e+06"
            ),
            (
                ["type": "integer", "multipleOf": 2], 3,
                "spec: Invalid value: 3: spec in body should be a multiple of 2"
            ),
            (
                ["type": "string", "format": "ipv4"], "::1",
                "spec: Invalid value: \"::1\": spec in body must be of type ipv4: \"::1\""
            ),
            (
                ["type": "array", "items": ["type": "string"], "maxItems": 1], ["a", "b"],
                "spec: Too many: 2: must have at most 1 items"
            ),
            (
                ["type": "array", "items": ["type": "string"], "x-kubernetes-list-type": "set"], ["a", "a"],
                "spec[1]: Duplicate value: \"a\""
            ),
            (
                ["type": "object", "required": ["x"], "properties": ["x": ["type": "string"]]], [:],
                "spec.x: Required value"
            ),
            (
                [
                    "type": "object", "x-kubernetes-preserve-unknown-fields": true,
                    "oneOf": [["required": ["a"]], ["required": ["b"]]],
                ],
                ["a": 1, "b": 1],
                "<nil>: Invalid value: \"\": \"spec\" must validate one and only one schema (oneOf). Found 2 valid alternatives"
            ),
            (
                ["type": "integer", "not": ["enum": [3]]], 3,
                "<nil>: Invalid value: \"\": \"spec\" must not validate the schema (not)"
            ),
            (
                ["type": "array", "items": ["type": "string"], "minItems": 1], [],
                "spec: Invalid value: 0: spec in body should have at least 1 items"
            ),
            (
                ["type": "object", "additionalProperties": ["type": "string"], "minProperties": 2], ["a": "b"],
                "spec: Invalid value: 1: spec in body should have at least 2 properties"
            ),
            (
                ["type": "object", "additionalProperties": false], ["a": "b"],
                "spec: Invalid value: \"a\": spec.a in body is a forbidden property"
            ),
        ] as [(Value, Value, String)])
    func `what a schema refuses is told in Kubernetes' words`(_ spec: Value, _ value: Value, _ message: String) throws {
        #expect(try Self.errors(spec, value) == [message])
    }

    @Test(
        arguments: [
            (["type": "string", "nullable": true], .null), (["x-kubernetes-int-or-string": true], "80%"),
            (["type": "number"], 3), (["type": "integer"], 3.0),
            (
                ["type": "object", "x-kubernetes-preserve-unknown-fields": true, "anyOf": [["required": ["a"]]]],
                ["a": 1]
            ),
            (["x-kubernetes-preserve-unknown-fields": true], [1, "two"]),
            // What is said of numbers holds for numbers alone, and of texts for texts.
            (["x-kubernetes-int-or-string": true, "anyOf": [["minimum": 5], ["pattern": "^a"]]], 3),
            (["x-kubernetes-int-or-string": true, "anyOf": [["enum": [1, "1%"]], ["minimum": 5, "minLength": 5]]], "1%"),
            (["x-kubernetes-int-or-string": true, "anyOf": [["enum": [1, "1%"]], ["minimum": 5, "minLength": 5]]], 7),
        ] as [(Value, Value)])
    func `what a schema allows passes`(_ spec: Value, _ value: Value) throws {
        #expect(try Self.errors(spec, value) == [])
    }

    @Test(
        arguments: [
            ("duration", ["22 ns", "1 day", "3 weeks", "2 hours", "1h3m", "5 Minutes"], ["ns", "1 moon", "", "one day"]),
            (
                "uuid",
                ["F47AC10B58CC4372A5670E02B2C3D479", "f47ac10b-58cc-4372-a567-0e02b2c3d479", "f47ac10b-58cc4372-a5670e02b2c3d479"],
                ["f47ac10b-58cc-4372-a567-0e02b2c3d4790", "f47ac10b--58cc-4372-a567-0e02b2c3d47", "x"]
            ),
            ("uuid4", ["f47ac10b-58cc-4372-a567-0e02b2c3d479"], ["f47ac10b-58cc-5372-a567-0e02b2c3d479"]),
            ("mac", ["0000.5e00.5301", "00:00:5e:00:53:01", "02-00-5e-10-00-00-00-01"], ["00:00:5e:00:53", "0000:5e00:5301"]),
            ("email", ["Name <a@b.com>", "a@b", "a.b+c@d_e.f"], ["a", "a@", "@b", "a..b@c", "a b@c"]),
            ("ipv4", ["01.2.3.4", "1.2.3.4"], ["1.2.3", "::1", "1.2.3.256", "1..3.4"]),
            ("cidr", ["010.0.0.0/8", "fd00::/8"], ["10.0.0.0", "10.0.0.0/33"]),
            ("hostname", ["localhost", "a-b", "a-b.example.com", "1a.example.london"], ["a_b", "a.b", "1.2.3.4", "a.com.", "", "-a.com"]),
            ("byte", ["YQ==", "YWJj"], ["YQ", "YQ=", "a_-="]),
            ("rgbcolor", ["rgb(0,128,255)", "rgb( 1 , 2 , 3 )"], ["rgb(256,1,1)", "rgb(1,2)", "rgb(01,1,1)"]),
        ] as [(String, [String], [String])])
    func `texts of a format are told from others`(_ format: String, _ good: [String], _ bad: [String]) throws {
        let spec: Value = ["type": "string", "format": .string(format)]
        for text in good { #expect(try Self.errors(spec, .string(text)) == [], "\(text)") }
        for text in bad { #expect(try Self.errors(spec, .string(text)).count == 1, "\(text)") }
    }

    @Test func `beside named fields others may be let through`() throws {
        let spec: Value = [
            "type": "object", "additionalProperties": true, "properties": ["a": ["type": "string", "default": "x"]],
        ]
        #expect(try Self.shaped(spec, ["b": 1]).0 == ["a": "x", "b": 1])
        #expect(try Self.errors(spec, ["a": "x", "b": 1]) == [])
    }

    @Test func `whole objects inside of an object are found by their schema`() throws {
        let resource: Value = [
            "type": "object", "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true,
            "properties": [
                "inner": [
                    "type": "object", "x-kubernetes-embedded-resource": true,
                    "x-kubernetes-preserve-unknown-fields": true,
                ]
            ],
        ]
        let spec: Value = [
            "type": "object",
            "properties": [
                "one": resource, "list": ["type": "array", "items": resource],
                "map": ["type": "object", "additionalProperties": resource], "none": ["type": "object"],
            ],
        ]
        let object: Value = [
            "spec": [
                "one": ["kind": "A", "inner": ["kind": "B"]], "list": [["kind": "C"]], "map": ["k": ["kind": "D"]],
                "none": ["kind": "E"],
            ]
        ]
        let found = try Self.schema(spec).embeddedResources(in: object)
        #expect(found.map(\.path) == ["spec.list[0]", "spec.map[k]", "spec.one", "spec.one.inner"])
        #expect(found.map { $0.value["kind"] } == ["C", "D", "A", "B"])
        #expect(try Self.schema(["type": "object", "properties": [:]]).embeddedResources(in: object).isEmpty)
    }

    @Test func `what an update leaves as it was is not judged again`() throws {
        let schema = try Self.schema([
            "type": "object",
            "properties": [
                "old": ["type": "string", "maxLength": 1],
                "list": [
                    "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"],
                    "items": [
                        "type": "object", "required": ["k"],
                        "properties": ["k": ["type": "string"], "v": ["type": "integer", "maximum": 1]],
                    ],
                ],
            ],
        ])
        let before: Value = ["spec": ["old": "long", "list": [["k": "a", "v": 5], ["k": "b", "v": 1]]]]
        let after: Value = ["spec": ["old": "long", "list": [["k": "b", "v": 9], ["k": "a", "v": 5]]]]
        #expect(schema.validate(after, replacing: before).map(\.field) == ["spec.list[0].v"])
        #expect(schema.validate(after).count == 3)
    }

    @Test func `equal parts share a type, and long texts are kept whole`() throws {
        let part: Value = ["type": "object", "properties": ["a": ["type": "string"], "b": ["type": "integer"]]]
        let one = try Self.schema(["type": "object", "properties": ["x": part]])
        let many = try Self.schema(
            ["type": "object", "properties": .object(Fields((0..<50).map { ("x\($0)", part) }))])
        #expect(many.byteCount < one.byteCount + 50 * 32)
        let long = String(repeating: "long ", count: 20_000)
        let (value, _) = try Self.shaped(
            ["type": "object", "properties": ["t": ["type": "string", "default": .string(long)]]], [:])
        #expect(value == ["t": .string(long)])
    }
}
