import APIMachinery
import Support
import Testing

@testable import APIServer

/// The rules of definitions, without a server.
@Suite struct DefinitionTests {
    private static func messages(_ definition: Value) -> [String] {
        (DefinitionRules.errors(in: definition)).map(\.description)
    }

    private static func defaulted(_ versions: [Value], _ spec: Value = [:]) -> Value {
        var object = CronTab.definition(versions, spec)
        object[path: ["spec", "names", "listKind"]] = "CronTabList"
        if object.at("spec", "conversion") == nil { object[path: ["spec", "conversion"]] = ["strategy": "None"] }
        return object
    }

    private static let good = CronTab.version("v1", CronTab.schema(["a": ["type": "string"]]))

    @Test func `a good definition has no faults`() { #expect(Self.messages(Self.defaulted([Self.good])) == []) }

    @Test(
        arguments: [
            ([:], "spec.versions[0].schema.openAPIV3Schema.type: Required value: must not be empty at the root"),
            (
                ["type": "object", "properties": ["a": [:]]],
                "spec.versions[0].schema.openAPIV3Schema.properties[a].type: Required value: must not be empty for specified object fields"
            ),
            (
                ["type": "object", "properties": ["a": ["type": "array"]]],
                "spec.versions[0].schema.openAPIV3Schema.properties[a].items: Required value: must be specified"
            ),
            (
                ["type": "object", "$ref": "#/x"],
                "spec.versions[0].schema.openAPIV3Schema.$ref: Forbidden: $ref is not supported"
            ),
            (
                [
                    "type": "object",
                    "properties": ["a": ["type": "array", "uniqueItems": true, "items": ["type": "string"]]],
                ],
                "spec.versions[0].schema.openAPIV3Schema.properties[a].uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
            ),
            (
                ["type": "object", "properties": ["a": ["type": "string", "default": 3]]],
                "spec.versions[0].schema.openAPIV3Schema.properties[a].default: Invalid value: \"integer\": value in body must be of type string: \"integer\""
            ),
            (
                ["type": "object", "properties": ["a": ["type": "string", "pattern": "("]]],
                "spec.versions[0].schema.openAPIV3Schema.properties[a].pattern: Invalid value: \"(\": must be a valid regular expression, but isn't: error parsing regexp: missing closing ): `(`"
            ),
            (
                ["type": "object", "anyOf": [["properties": ["b": ["pattern": "x"]]]]],
                "spec.versions[0].schema.openAPIV3Schema.properties[b]: Required value: because it is defined in spec.versions[0].schema.openAPIV3Schema.anyOf[0].properties[b]"
            ),
            (
                [
                    "type": "object",
                    "properties": [
                        "a": [
                            "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"],
                            "items": ["type": "object", "properties": ["k": ["type": "string"]]],
                        ]
                    ],
                ],
                "spec.versions[0].schema.openAPIV3Schema.properties[a].items.properties[k].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property"
            ),
        ] as [(Value, String)])
    func `a schema that is not structural is refused`(_ schema: Value, _ message: String) {
        #expect(Self.messages(Self.defaulted([CronTab.version("v1", schema)])).contains(message))
    }

    @Test func `one version is stored, and names are names`() {
        let none = CronTab.version("v1", CronTab.schema([:]), isStored: false)
        #expect(
            Self.messages(Self.defaulted([none])).contains(
                "spec.versions: Invalid value: [\"v1\"]: must have exactly one version marked as storage version"))
        var definition = Self.defaulted([Self.good])
        definition[path: ["spec", "group"]] = "example"
        #expect(
            Self.messages(definition).contains(
                "spec.group: Invalid value: \"example\": should be a domain with at least one dot"))
        definition[path: ["spec", "scope"]] = "Global"
        #expect(
            Self.messages(definition).contains(
                "spec.scope: Unsupported value: \"Global\": supported values: \"Cluster\", \"Namespaced\""))
    }

    @Test func `what its deletion says of a definition is left alone by who says what it is`() {
        let now = Timestamp(seconds: 1_800_000_000)
        var value = Self.defaulted([Self.good])
        value[path: ["metadata", "generation"]] = 2
        // Each write wakes both: the definition must come to rest, not go from one to the other for ever.
        for _ in 0..<2 {
            let definition = CustomDefinition(value)
            value["status"] = DefinitionConditions(now: now).status(of: definition, DefinitionConditions.Taken())
            value["status"] = DefinitionConditions(now: now).statusInDeletion(of: CustomDefinition(value))
        }
        let later = DefinitionConditions(now: Timestamp(seconds: now.seconds + 9))
        let definition = CustomDefinition(value)
        #expect(later.status(of: definition, DefinitionConditions.Taken()) == value["status"])
        #expect(later.statusInDeletion(of: definition) == value["status"])
        #expect(value.at("status", "conditions")?.array?.last?["type"] == "Terminating")
    }

    @Test func `names that are taken are refused, and kept where they were accepted before`() throws {
        let now = Timestamp(seconds: 1_800_000_000)
        var taken = DefinitionConditions.Taken()
        let definition = CustomDefinition(Self.defaulted([Self.good]))
        let status = DefinitionConditions(now: now).status(of: definition, taken)
        #expect(status.at("acceptedNames", "kind") == "CronTab")
        #expect(status["conditions"]?.array?.map { $0["status"] } == ["True", "True"])
        taken.resources = ["ct"]
        let refused = DefinitionConditions(now: now).status(of: definition, taken)
        #expect(refused["conditions"]?.array?.first?["reason"] == "ShortNamesConflict")
        #expect(refused["conditions"]?.array?.last?["status"] == "False")
    }
}
