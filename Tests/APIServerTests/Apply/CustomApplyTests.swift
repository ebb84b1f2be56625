import APIMachinery
import Testing
import Wire

@testable import APIServer

/// Server-side apply of custom resources, by what their structural schemas say of lists and maps.
@Suite(.timeLimit(.minutes(2))) struct CustomApplyTests {
    private static let text: Value = ["type": "string"]

    private static let schema = CronTab.schema([
        "jobs": [
            "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
            "items": [
                "type": "object", "required": ["name"],
                "properties": ["name": text, "command": text, "shell": ["type": "string", "default": "sh"]],
            ],
        ],
        "days": ["type": "array", "x-kubernetes-list-type": "set", "items": text],
        "words": ["type": "array", "items": text],
        "environment": ["type": "object", "additionalProperties": text],
        "selector": ["type": "object", "x-kubernetes-map-type": "atomic", "additionalProperties": text],
        "free": ["type": "object", "x-kubernetes-preserve-unknown-fields": true],
        "limit": ["x-kubernetes-int-or-string": true, "anyOf": [["type": "integer"], ["type": "string"]]],
        "replicas": ["type": "integer"],
    ])

    private static let version = CronTab.version(
        "v1", schema,
        [
            "subresources": [
                "status": [:], "scale": ["specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"],
            ]
        ])

    private static let path = CronTab.path + "/a"

    private static func run(_ body: @escaping @Sendable (ApplyWorld) async throws -> Void) async throws {
        try await ApplyWorld.run { world in
            try await CronTab(world.api).define(CronTab.definition([version]))
            try await body(world)
        }
    }

    /// What one manager applied, what another applies then, and the outcome: the spec, or the message of the conflict.
    struct Case: Sendable, CustomTestStringConvertible {
        var what: String
        var first: Value
        var second: Value
        var spec: Value?
        var conflict = ""
        var testDescription: String { what }
    }

    @Test(arguments: [
        Case(
            what: "elements of a map list by their keys", first: ["jobs": [["name": "a", "command": "1"]]],
            second: ["jobs": [["name": "b"], ["name": "a", "shell": "sh"]]],
            spec: ["jobs": [["name": "b", "shell": "sh"], ["name": "a", "command": "1", "shell": "sh"]]]),
        Case(
            what: "another value in an element", first: ["jobs": [["name": "a", "command": "1"]]],
            second: ["jobs": [["name": "a", "command": "2"]]], conflict: #".spec.jobs[name="a"].command"#),
        Case(
            what: "elements of a set one by one", first: ["days": ["mon", "tue"]], second: ["days": ["fri", "tue"]],
            spec: ["days": ["mon", "fri", "tue"]]),
        Case(
            what: "a list without a type is one value", first: ["words": ["a"]], second: ["words": ["a", "b"]],
            conflict: ".spec.words"),
        Case(
            what: "entries of a map", first: ["environment": ["a": "1"]], second: ["environment": ["b": "2"]],
            spec: ["environment": ["a": "1", "b": "2"]]),
        Case(
            what: "an atomic map is one value", first: ["selector": ["a": "1"]], second: ["selector": ["b": "2"]],
            conflict: ".spec.selector"),
        Case(
            what: "unknown objects field by field", first: ["free": ["a": ["x": 1]]],
            second: ["free": ["a": ["y": 2], "b": [1]]], spec: ["free": ["a": ["x": 1, "y": 2], "b": [1]]]),
        Case(
            what: "unknown lists as one value", first: ["free": ["b": [1]]], second: ["free": ["b": [2]]],
            conflict: ".spec.free.b"),
        Case(
            what: "large numbers and texts alike", first: ["limit": 5_000_000_000], second: ["limit": "5"],
            conflict: ".spec.limit"),
    ])
    func `a schema says what is merged`(item: Case) async throws {
        try await Self.run { world in
            let first = try await world.apply(Self.path, CronTab.object("a", item.first), manager: "one")
            #expect(first.code == 201, "\(first.value)")
            let second = try await world.apply(Self.path, CronTab.object("a", item.second), manager: "two")
            if let spec = item.spec {
                #expect(second.value["spec"] == spec, "\(second.value)")
            } else {
                #expect(second.code == 409)
                #expect(
                    second.value["message"]
                        == .string(#"Apply failed with 1 conflict: conflict with "one": "# + item.conflict))
            }
        }
    }

    @Test func `what is given up goes, defaults are nobody's, and status and scale have their own owners`() async throws {
        try await Self.run { world in
            let spec: Value = ["jobs": [["name": "a", "command": "1"]], "environment": ["a": "1"], "replicas": 1]
            let created = try await world.apply(Self.path, CronTab.object("a", spec), manager: "me")
            #expect(
                world.owners(created) == [
                    #"me Apply  {"f:spec":{"f:environment":{"f:a":{}},"f:jobs":{"k:{\"name\":\"a\"}":{".":{},"#
                        + #""f:command":{},"f:name":{}}},"f:replicas":{}}}"#
                ])
            let less = try await world.apply(
                Self.path, CronTab.object("a", ["jobs": [["name": "a"]], "replicas": 1]), manager: "me")
            #expect(less.value["spec"] == ["jobs": [["name": "a", "shell": "sh"]], "replicas": 1])
            let status = try await world.send(
                .patch, Self.path + "/status", "application/merge-patch+json",
                ["spec": ["replicas": 9], "status": ["replicas": 1]], agent: "operator/1")
            #expect(world.owners(status).last == #"operator Update status {"f:status":{".":{},"f:replicas":{}}}"#)
            let scale: Value = ["apiVersion": "autoscaling/v1", "kind": "Scale", "spec": ["replicas": 4]]
            #expect(try await world.apply(Self.path + "/scale", scale, manager: "hpa").code == 409)
            #expect(try await world.apply(Self.path + "/scale?force=true", scale, manager: "hpa").code == 200)
            let now = try await world.get(Self.path)
            #expect(now.value.at("spec", "replicas") == 4)
            #expect(world.owners(now).contains(#"hpa Apply scale {"f:spec":{"f:replicas":{}}}"#))
        }
    }

    @Test func `an unknown field and a double element are refused`() async throws {
        try await Self.run { world in
            let unknown = try await world.apply(Self.path, CronTab.object("a", ["colour": "blue"]), manager: "me")
            #expect(unknown.code == 500)
            #expect(unknown.value["message"]?.string?.hasSuffix(".spec.colour: field not declared in schema") == true)
            let double = try await world.apply(
                Self.path, CronTab.object("a", ["jobs": [["name": "a"], ["name": "a"]]]), manager: "me")
            #expect(
                double.value["message"]?.string?.hasSuffix(#".spec.jobs: duplicate entries for key [name="a"]"#) == true)
        }
    }

    @Test func `who applied in another version gives up what he says no more in this one`() async throws {
        try await ApplyWorld.run { world in
            let versions = [
                CronTab.version("v1", Self.schema), CronTab.version("v2", Self.schema, isStored: false),
            ]
            try await CronTab(world.api).define(CronTab.definition(versions))
            let both: Value = ["environment": ["a": "1", "b": "1"]]
            _ = try await world.apply(Self.path, CronTab.object("a", both), manager: "me")
            let next = Self.path.replacing("/v1/", with: "/v2/")
            let less = try await world.apply(
                next, CronTab.object("a", ["environment": ["b": "1"]], version: "v2"), manager: "me")
            #expect(less.value["spec"] == ["environment": ["b": "1"]], "\(less.value)")
            #expect(world.owners(less) == [#"me Apply  {"f:spec":{"f:environment":{"f:b":{}}}}"#])
            #expect(less.value.at("metadata", "managedFields")?.array?.first?["apiVersion"] == "stable.example.com/v2")
        }
    }
}
