import Support
import Testing

@testable import APIMachinery

@Suite struct FieldOwnershipTests {
    private let rules = ApplySchema.ownership()
    private let now = Timestamp(seconds: 1_800_000_000)

    private func applied(
        _ configuration: String, _ manager: String, to world: World, force: Bool = false, rules: FieldOwnership? = nil
    ) throws -> World {
        let outcome = try (rules ?? self.rules).apply(
            try AppliedConfiguration(try Value(json: configuration), as: ApplySchema.type), to: world.object,
            managed: world.managed, manager: manager, force: force, at: now)
        return World(object: outcome.object ?? world.object, managed: outcome.managed)
    }

    private func updated(_ object: String, _ manager: String, from world: World) throws -> World {
        let new = try Value(json: object)
        return World(
            object: new,
            managed: rules.update(world.object, to: new, managed: world.managed, manager: manager, at: now)
                ?? world.managed)
    }

    /// An object and who owns what of it.
    private struct World {
        var object: Value?
        var managed = ManagedFields()

        /// As lines `manager operation set`.
        var owners: [String] {
            managed.entries.map { "\($0.owner.manager) \($0.owner.operation.rawValue) \($0.fields)" }
        }
        var text: String { object?.description ?? "" }
    }

    @Test func `whoever creates owns what he said, but not what the object is`() throws {
        let world = try updated(
            #"{"apiVersion":"v1","kind":"Thing","metadata":{"name":"n","labels":{"a":"1"}},"spec":{"replicas":1}}"#, "me",
            from: World())
        #expect(world.owners == [#"me Update {"f:metadata":{"f:labels":{".":{},"f:a":{}}},"f:spec":{"f:replicas":{}}}"#])
    }

    @Test func `an update takes what it changes, and leaves the rest`() throws {
        var world = try updated(#"{"metadata":{"labels":{"a":"1","b":"1"}}}"#, "first", from: World())
        world = try updated(#"{"metadata":{"labels":{"a":"2","b":"1","c":"1"}}}"#, "second", from: world)
        #expect(
            world.owners == [
                #"first Update {"f:metadata":{"f:labels":{".":{},"f:b":{}}}}"#,
                #"second Update {"f:metadata":{"f:labels":{"f:a":{},"f:c":{}}}}"#,
            ])
        world = try updated(#"{"metadata":{}}"#, "third", from: world)
        #expect(world.owners.isEmpty)
    }

    @Test func `what is given up goes, unless somebody else owns it`() throws {
        var world = try applied(#"{"metadata":{"labels":{"a":"1","b":"1","c":"1"}}}"#, "me", to: World())
        world = try applied(#"{"metadata":{"labels":{"b":"1"}}}"#, "you", to: world)
        world = try applied(#"{"metadata":{"labels":{"c":"1"}}}"#, "me", to: world)
        #expect(world.text == #"{"metadata":{"labels":{"b":"1","c":"1"}}}"#)
        #expect(
            world.owners == [
                #"me Apply {"f:metadata":{"f:labels":{"f:c":{}}}}"#, #"you Apply {"f:metadata":{"f:labels":{"f:b":{}}}}"#,
            ])
    }

    @Test func `another value is a conflict, which force settles`() throws {
        var world = try updated(#"{"spec":{"replicas":3}}"#, "scaler", from: World())
        let conflict = #expect(throws: FieldOwnership.ApplyConflicts.self) {
            try applied(#"{"spec":{"replicas":1}}"#, "me", to: world)
        }
        #expect(
            conflict?.status.message == #"Apply failed with 1 conflict: conflict with "scaler" using v1: .spec.replicas"#)
        #expect(
            conflict?.status.details?.causes == [
                Status.Cause(
                    reason: "FieldManagerConflict", message: #"conflict with "scaler" using v1"#, field: ".spec.replicas")
            ])
        world = try applied(#"{"spec":{"replicas":1}}"#, "me", to: world, force: true)
        #expect(world.owners == [#"me Apply {"f:spec":{"f:replicas":{}}}"#])
    }

    @Test func `several conflicts are told owner by owner`() throws {
        var world = try updated(#"{"metadata":{"labels":{"a":"1"}},"spec":{"replicas":3}}"#, "b", from: World())
        world = try applied(#"{"spec":{"args":["x"]}}"#, "a", to: world)
        let conflict = #expect(throws: FieldOwnership.ApplyConflicts.self) {
            try applied(#"{"metadata":{"labels":{"a":"2"}},"spec":{"args":["y"],"replicas":1}}"#, "me", to: world)
        }
        #expect(
            conflict?.status.message == """
                Apply failed with 3 conflicts: conflicts with "a":
                - .spec.args
                conflicts with "b" using v1:
                - .metadata.labels.a
                - .spec.replicas
                """)
    }

    @Test func `who says the same owns it too, and nothing is written`() throws {
        let world = try updated(#"{"spec":{"replicas":3}}"#, "scaler", from: World())
        let outcome = try rules.apply(
            try AppliedConfiguration(["spec": ["replicas": 3]], as: ApplySchema.type), to: world.object,
            managed: world.managed, manager: "me", force: false, at: now)
        #expect(outcome.object == nil)
        #expect(outcome.managed.entries.map(\.owner.manager) == ["me", "scaler"])
    }

    @Test func `applying the same again changes nothing, not even the time`() throws {
        let world = try applied(#"{"spec":{"replicas":3}}"#, "me", to: World())
        let later = try rules.apply(
            try AppliedConfiguration(["spec": ["replicas": 3]], as: ApplySchema.type), to: world.object,
            managed: world.managed, manager: "me", force: false, at: now + .seconds(60))
        #expect(later.managed == world.managed)
    }

    @Test func `elements of keyed lists are owned one by one`() throws {
        var world = try applied(#"{"spec":{"parts":[{"name":"a","image":"1"},{"name":"b"}]}}"#, "me", to: World())
        world = try applied(#"{"spec":{"parts":[{"name":"c"}]}}"#, "you", to: world)
        world = try applied(#"{"spec":{"parts":[{"name":"a"}]}}"#, "me", to: world)
        #expect(world.text == #"{"spec":{"parts":[{"name":"a"},{"name":"c"}]}}"#)
    }

    @Test func `what nobody wrote belongs to whoever was before the first apply`() throws {
        var world = World(object: ["spec": ["replicas": 3]])
        #expect(throws: FieldOwnership.ApplyConflicts.self) { try applied(#"{"spec":{"replicas":1}}"#, "me", to: world) }
        world = try applied(#"{"spec":{"args":["a"]}}"#, "me", to: world)
        #expect(
            world.owners == [
                #"me Apply {"f:spec":{"f:args":{}}}"#, #"before-first-apply Update {"f:spec":{"f:replicas":{}}}"#,
            ])
    }

    @Test func `a new version of the same configuration takes over what the old one said`() throws {
        var next = ApplySchema.ownership("v2")
        next.convert = { object, _ in (object, ApplySchema.type) }
        var world = try applied(#"{"spec":{"args":["a"],"replicas":1}}"#, "me", to: World())
        world = try applied(#"{"spec":{"replicas":1}}"#, "me", to: world, rules: next)
        #expect(world.text == #"{"spec":{"replicas":1}}"#)
        #expect(world.managed.entries.map(\.owner.apiVersion) == ["v2"])
    }

    /// In v2 `spec.replicas` is `status.ready`.
    private static func converted(_ object: Value, _ apiVersion: String) -> (object: Value, type: TypeSchema)? {
        guard object["apiVersion"]?.string ?? "v1" != apiVersion else { return (object, ApplySchema.type) }
        let (from, to) =
            apiVersion == "v2"
            ? (["spec", "replicas"], ["status", "ready"]) : (["status", "ready"], ["spec", "replicas"])
        var new = object
        new["apiVersion"] = .string(apiVersion)
        new[path: to] = object[path: from]
        new[path: from] = nil
        return (new, ApplySchema.type)
    }

    @Test(
        arguments: [
            // Said again under its new name, it is not given up.
            (#"{"apiVersion":"v2","status":{"ready":1}}"#, 1), (#"{"apiVersion":"v2","spec":{"args":["a"]}}"#, nil),
        ] as [(String, Int64?)])
    func `who goes on in a version of other names gives up what he says no more`(
        text: String, ready: Int64?
    ) throws {
        var next = ApplySchema.ownership("v2")
        next.convert = { Self.converted($0, $1) }
        var world = try applied(#"{"apiVersion":"v1","spec":{"replicas":1}}"#, "me", to: World())
        world.object = Self.converted(try #require(world.object), "v2")?.object
        world = try applied(text, "me", to: world, rules: next)
        #expect(world.object?.at("status", "ready")?.integer == ready)
        #expect(world.object?.at("spec", "replicas") == nil)
        #expect(world.managed.entries.map(\.owner.apiVersion) == ["v2"])
    }

    @Test func `what an endpoint resets is nobody's`() throws {
        var status = ApplySchema.ownership(subresource: "status")
        status.filter = .including(FieldSet([FieldPath("status")]))
        let world = try applied(
            #"{"spec":{"replicas":1},"status":{"ready":1}}"#, "me", to: World(object: .emptyObject), rules: status)
        #expect(world.owners == [#"me Apply {"f:status":{"f:ready":{}}}"#])
        #expect(world.managed.entries.first?.owner.subresource == "status")
    }

    @Test func `client-side apply is taken over by kubectl without a conflict, and its note follows`() throws {
        let note = #"{"apiVersion":"v1","kind":"Thing","spec":{"replicas":3}}"#
        let object: Value = [
            "metadata": ["annotations": [FieldOwnership.lastAppliedAnnotation: .string(note)]], "spec": ["replicas": 3],
        ]
        let managed = try #require(
            rules.update(nil, to: object, managed: ManagedFields(), manager: "kubectl-client-side-apply", at: now))
        let configuration = try AppliedConfiguration(
            ["apiVersion": "v1", "kind": "Thing", "spec": ["replicas": 5]], as: ApplySchema.type)
        let outcome = try rules.applyMindingAnnotation(
            configuration, to: object, managed: managed, manager: "kubectl", force: false, at: now)
        #expect(outcome.object?.at("spec", "replicas") == 5)
        #expect(
            outcome.object?.at("metadata", "annotations", FieldOwnership.lastAppliedAnnotation)?.string
                == #"{"apiVersion":"v1","kind":"Thing","spec":{"replicas":5}}"# + "\n")
        #expect(throws: FieldOwnership.ApplyConflicts.self) {
            try rules.applyMindingAnnotation(
                configuration, to: object, managed: managed, manager: "flux", force: false, at: now)
        }
    }

    @Test func `the oldest of many updates are joined`() throws {
        var world = World(object: .emptyObject)
        for index in 0..<14 {
            var next = world.object ?? .emptyObject
            next[path: ["metadata", "labels", "l\(index)"]] = "1"
            let owners = rules.update(
                world.object, to: next, managed: world.managed, manager: "m\(index)", at: now + .seconds(index))
            world.managed = owners ?? world.managed
            world.object = next
        }
        #expect(world.managed.entries.count == ManagedFields.updateLimit)
        #expect(world.managed.entries.contains { $0.owner.manager == "ancient-changes" })
        let all = world.managed.entries.reduce(FieldSet()) { $0.union($1.fields) }
        #expect(all.paths.count == 15)
    }
}
