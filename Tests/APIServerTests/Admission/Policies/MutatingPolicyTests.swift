import APIMachinery
import Testing

@testable import APIServer

@Suite struct MutatingPolicyTests {
    private static func patches(_ expressions: String..., more: Value = [:]) -> Value {
        let mutations = expressions.map { source -> Value in
            ["patchType": "JSONPatch", "jsonPatch": ["expression": .string(source)]]
        }
        var spec: Value = ["mutations": .array(mutations)]
        for (key, value) in more.fields ?? Fields() { spec[key] = value }
        return spec
    }

    @Test(arguments: [
        ("[JSONPatch{op: 'add', path: '/spec/x', value: 1}]", ["replicas": 5, "x": 1]),
        ("[JSONPatch{op: 'replace', path: '/spec/replicas', value: object.spec.replicas + 1}]", ["replicas": 6]),
        ("[JSONPatch{op: 'test', path: '/spec/replicas', value: 4}, JSONPatch{op: 'remove', path: '/spec/replicas'}]", ["replicas": 5]),
        ("[JSONPatch{op: 'move', from: '/spec/replicas', path: '/spec/count'}]", ["count": 5]),
        ("[JSONPatch{op: 'add', path: '/spec/' + jsonpatch.escapeKey('a/b'), value: ['x']}]", ["replicas": 5, "a/b": ["x"]]),
        ("has(object.spec.no) ? [JSONPatch{op: 'remove', path: '/spec/no'}] : []", ["replicas": 5]),
        ("[JSONPatch{op: 'add', path: '/spec/o', value: Object.spec.o{a: 1, b: {'k': 'v'}}}]", nil),
        ("[JSONPatch{op: 'add', path: '/spec/o', value: Object{a: 1}}]", ["replicas": 5, "o": ["a": 1]]),
        ("[JSONPatch{op: 'remove', path: '/spec/none'}]", nil),
    ] as [(String, Value?)])
    func `a JSON patch changes the object`(source: String, spec: Value?) async throws {
        var world = PolicyWorld()
        world.add("p", Self.patches(source))
        do throws(Status) {
            #expect(try await world.admit().object?["spec"] == spec)
        } catch {
            #expect(spec == nil, "\(error)")
            #expect(error.code == 403)
            #expect(error.reason == .invalid)
            #expect(error.message.hasPrefix("policy 'p' with binding 'p-binding' denied request: "))
        }
    }

    @Test func `mutations follow one another, and those who want it see what came after them`() async throws {
        var world = PolicyWorld()
        world.add(
            "a",
            Self.patches(
                "[JSONPatch{op: 'add', path: '/spec/seen', value: has(object.spec.late)}]",
                "[JSONPatch{op: 'add', path: '/spec/again', value: object.spec.seen}]",
                more: ["reinvocationPolicy": "IfNeeded"]))
        world.add("b", Self.patches("[JSONPatch{op: 'add', path: '/spec/late', value: true}]"))
        let spec = try await world.admit().object?["spec"]
        #expect(spec == ["replicas": 5, "seen": true, "again": true, "late": true])
    }

    @Test func `a policy that fails open leaves the object alone`() async throws {
        var world = PolicyWorld()
        world.add("p", Self.patches("[JSONPatch{op: 'remove', path: '/spec/none'}]", more: ["failurePolicy": "Ignore"]))
        world.add("q", Self.patches("[]", more: ["paramKind": ["apiVersion": "x/v1", "kind": "No"], "failurePolicy": "Ignore"]))
        #expect(try await world.admit().object?["spec"] == ["replicas": 5])
    }

    @Test func `variables and parameters are at hand`() async throws {
        var world = PolicyWorld(parameters: [["metadata": ["name": "c", "namespace": "ns"], "data": ["most": "3"]]])
        world.add(
            "p",
            Self.patches(
                "[JSONPatch{op: 'replace', path: '/spec/replicas', value: variables.most}]",
                more: [
                    "paramKind": ["apiVersion": "v1", "kind": "ConfigMap"],
                    "variables": [["name": "most", "expression": "int(params.data.most)"]],
                    "matchConditions": [["name": "c", "expression": "object != null && object.spec.replicas > 3"]],
                ]), binding: ["paramRef": ["name": "c", "parameterNotFoundAction": "Deny"]])
        #expect(try await world.admit().object?["spec"] == ["replicas": 3])
        #expect(try await world.admit(PolicyWorld.request(["replicas": 2])).object?["spec"] == ["replicas": 2])
        #expect(try await world.admit(PolicyWorld.request(verb: .delete)).object == nil)
    }
}
