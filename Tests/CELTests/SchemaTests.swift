import APIMachinery
import Testing

@testable import CEL

/// Expressions over trees whose types a schema table says.
@Suite struct SchemaTests {
    private let type: TypeSchema

    init() throws {
        var builder = SchemaBuilder()
        builder.add("test.ObjectMeta", [.init("name", .string), .init("labels", .map(.init("", .string)))])
        var port = SchemaBuilder.Field("ports", .list(.init("", .object("test.Port"))), flags: .mapList)
        port.listMapKeys = ["number"]
        var date = SchemaBuilder.Field("expires", .string)
        date.constraints = ["format": "date-time"]
        var span = SchemaBuilder.Field("timeout", .string)
        span.constraints = ["format": "duration"]
        var name = SchemaBuilder.Field("name", .string)
        name.constraints = ["maxLength": 10, "pattern": "\"format\":\"duration\""]
        var tags = SchemaBuilder.Field("tags", .list(.init("", .string)), flags: .setList)
        tags.constraints = ["maxItems": 5]
        builder.add("test.Port", [.init("number", .int32), .init("target", .intOrString)])
        builder.add(
            "test.Spec",
            [
                .init("replicas", .int32), .init("ratio", .float64), .init("raw", .any), .init("x-y.z", .string),
                .init("namespace", .string), .init("data", .bytes), .init("since", .time), port, date, span, name, tags,
            ])
        builder.add("test.Thing", [.init("metadata", .object("test.ObjectMeta")), .init("spec", .object("test.Spec"))])
        type = try #require(SchemaTable(builder.build()).type(named: "test.Thing"))
    }

    private func evaluate(_ source: String, _ new: Value, was old: Value? = nil, rules: CELEnvironment.Rules = []) throws
        -> CELValue
    {
        let environment = CELEnvironment(variables: ["self": .object(type), "oldSelf": .object(type)], rules: rules)
        var budget = CELBudget()
        let variables = ["self": CELValue(new, type: type), "oldSelf": CELValue(old ?? new, type: type)]
        return try CELProgram(source, in: environment).evaluate(variables, budget: &budget)
    }

    private static let thing: Value = [
        "metadata": ["name": "a", "labels": ["k": "v"]],
        "spec": [
            "replicas": 3, "ratio": 1, "raw": ["deep": [1]], "x-y.z": "escaped", "namespace": "n", "data": "aGk=",
            "since": "2023-01-01T00:00:00Z", "expires": "2024-01-01T00:00:00Z", "timeout": "1m", "name": "web",
            "tags": ["a", "b"], "ports": [["number": 80, "target": "http"], ["number": 81, "target": 8081]],
        ],
    ]

    @Test(arguments: [
        "self.spec.replicas == 3", "self.spec.ratio == 1.0", "self.spec.raw.deep[0] == 1",
        "self.spec.x__dash__y__dot__z == 'escaped'", "self.spec.__namespace__ == 'n'", "self.spec.namespace == 'n'",
        "self.spec.data == b'hi'", "self.spec.since < self.spec.expires", "self.spec.timeout == duration('60s')",
        "self.spec.ports[0].target == 'http' && self.spec.ports[1].target == 8081",
        "self.spec.ports.all(p, p.number >= 80)", "self.metadata.labels['k'] == 'v'", "self.metadata.labels.k == 'v'",
        "has(self.spec.replicas) && !has(self.metadata.labels.other)", "self == self", "size(self.spec.tags) == 2",
        "self.spec.name.startsWith('w')", "self.spec.?replicas.orValue(1) == 3",
        "'k' in self.metadata.labels", "type(self.spec.replicas) == int",
    ])
    func `fields are what their schema says`(source: String) throws {
        #expect(try evaluate(source, Self.thing).bool == true)
    }

    @Test func `what the schema does not name is undeclared`() {
        for (source, field) in [("self.specs", "specs"), ("self.spec.x", "x"), ("self.spec.ports[0].port", "port")] {
            do {
                _ = try evaluate(source, Self.thing)
                Issue.record("\(source) compiles")
            } catch {
                #expect("\(error)".contains("undefined field '\(field)'"))
            }
        }
    }

    @Test func `rules of custom resources see little of the metadata and nothing without a schema`() throws {
        #expect(try evaluate("self.metadata.name == 'a'", Self.thing, rules: .customResource).bool == true)
        for source in ["self.metadata.labels == {}", "self.spec.raw == 1"] {
            #expect(throws: CELError.self) { try evaluate(source, Self.thing, rules: .customResource) }
        }
    }

    @Test func `sets and maps by keys compare and merge as such`() throws {
        var other = Self.thing
        other[path: ["spec", "tags"]] = ["b", "a"]
        other[path: ["spec", "ports"]] = [["number": 81, "target": 8081], ["number": 80, "target": "http"]]
        #expect(try evaluate("self.spec.tags == oldSelf.spec.tags", other, was: Self.thing).bool == true)
        #expect(try evaluate("self.spec.ports == oldSelf.spec.ports", other, was: Self.thing).bool == true)
        #expect(try evaluate("size(self.spec.tags + ['b', 'c']) == 3", other).bool == true)
        other[path: ["spec", "ports"]] = [["number": 80, "target": 1]]
        #expect(
            try evaluate("(oldSelf.spec.ports + self.spec.ports).map(p, p.target) == [1, 8081]", other, was: Self.thing).bool
                == true)
        #expect(try evaluate("self.spec.ports != oldSelf.spec.ports", other, was: Self.thing).bool == true)
    }

    @Test func `a key that is absent is an error, and has() says so before`() throws {
        #expect(throws: CELError("no such key: replicas")) { try evaluate("self.spec.replicas > 0", ["spec": [:]]) }
        #expect(try evaluate("!has(self.spec.replicas) || self.spec.replicas > 0", ["spec": [:]]).bool == true)
    }

    @Test func `property names are escaped and back`() {
        for name in ["a", "x-y.z", "a__b", "namespace", "a/b", "_x", "a_", "if"] {
            #expect(PropertyName.escaped(name).flatMap(PropertyName.unescaped) == name)
        }
        #expect(PropertyName.escaped("1a") == nil)
        #expect(PropertyName.escaped("a b") == nil)
        #expect(PropertyName.unescaped("a__b") == nil)
    }

    @Test func `objects are made by name and become trees`() throws {
        let environment = CELEnvironment(variables: ["n": .int]) { name in
            name == "Object" || name.hasPrefix("Object.") ? CELObjectType(name, fields: nil) : nil
        }
        let source = "Object{spec: Object.spec{replicas: n + 1, x__dot__y: [1.5], ?gone: optional.none()}}"
        let program = try CELProgram(source, in: environment)
        var budget = CELBudget()
        let value = try program.evaluate(["n": .int(1)], budget: &budget)
        #expect(try value.tree() == ["spec": ["replicas": 2, "x.y": [1.5]]])
        #expect(throws: CELError.self) { try CELProgram("Other{}", in: environment) }
    }

    @Test func `variables with dots are asked for once they are needed`() throws {
        struct Lazy: CELVariables {
            var asked: [String] = []
            mutating func value(of name: String, budget: inout CELBudget) throws(CELError) -> CELValue? {
                asked.append(name)
                return .int(1)
            }
        }
        let environment = CELEnvironment(variables: [
            "variables.a": .int, "variables.b": .int,
            "variables": .named(CELObjectType("variables", fields: ["a": .int, "b": .int])),
        ])
        var lazy = Lazy()
        var budget = CELBudget()
        let program = try CELProgram("variables.a == 1 || variables.b == 1", in: environment, returning: .bool)
        #expect(try program.evaluate(&lazy, budget: &budget).bool == true)
        #expect(lazy.asked == ["variables.a"])
        #expect(program.variables == ["variables.a", "variables.b"])
        #expect(throws: CELError.self) { try CELProgram("variables.c == 1", in: environment) }
    }
}
