import APIMachinery
import Client
import Datastore
import Support
import Testing

@testable import APIServer

@Suite struct ResourceStoreTests {
    @Test func `what nests too deeply is not stored, whoever made it`() async throws {
        let fixture = try await Fixture()
        @Sendable func nested(_ depth: Int) -> Value { (0..<depth).reduce(1) { value, _ in ["d": value] } }
        try await fixture.create("a", ["spec": nested(511)])
        let refusal = await #expect(throws: Status.self) { try await fixture.create("b", ["spec": nested(512)]) }
        #expect(refusal?.code == 400)
        await #expect(throws: Status.self) { try await fixture.update("a") { $0["spec"] = nested(512) } }
        let kept = try await fixture.update("a") { $0[path: ["metadata", "labels"]] = ["l": "1"] }
        #expect(kept.value["spec"] == nested(511))
    }

    @Test func `a new object has what the system owns`() async throws {
        let fixture = try await Fixture()
        let object = try await fixture.create("a", ["spec": ["x": 1], "status": ["y": 2]]).value
        #expect(object.at("metadata", "uid")?.string?.count == 36)
        #expect(object.at("metadata", "creationTimestamp")?.string == Fixture.now.description)
        #expect(object.at("metadata", "generation") == 1)
        #expect(object.at("metadata", "namespace") == "ns")
        #expect(object.at("metadata", "resourceVersion") == "1")
        #expect(object["apiVersion"] == "test.io/v1")
        #expect(object["kind"] == "Widget")
        #expect(object["status"] == nil)
        #expect(try fixture.store.get(ObjectName(namespace: "ns", name: "a")).value == object)
    }

    @Test func `a name is taken once`() async throws {
        let fixture = try await Fixture()
        try await fixture.create("a")
        await #expect(throws: Status.alreadyExists(Fixture.widgets, "a")) { try await fixture.create("a") }
    }

    @Test func `writers that change what they found all get through`() async throws {
        let fixture = try await Fixture()
        try await fixture.create("a")
        // As patches do, each keeps the version that it was given in what it makes of it.
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<20 {
                group.addTask { try await fixture.update("a") { $0[path: ["spec", "k\(number)"]] = 1 } }
            }
            try await group.waitForAll()
        }
        let object = try fixture.store.get(ObjectName(namespace: "ns", name: "a")).value
        #expect(object["spec"]?.fields?.count == 20)
    }

    @Test func `a generated name keeps its base`() async throws {
        let fixture = try await Fixture()
        let object = try await fixture.store.create(
            ["metadata": ["generateName": "job-"]], fixture.request(verb: .create))
        #expect(object.name.hasPrefix("job-"))
        #expect(object.name.count == 9)
    }

    @Test func `the generation counts changes of the desired state only`() async throws {
        let fixture = try await Fixture()
        try await fixture.create("a", ["spec": ["x": 1]])
        let labelled = try await fixture.update("a") { $0[path: ["metadata", "labels", "l"]] = "v" }
        #expect(labelled.value.at("metadata", "generation") == 1)
        let changed = try await fixture.update("a") { $0[path: ["spec", "x"]] = 2 }
        #expect(changed.value.at("metadata", "generation") == 2)
    }

    @Test func `spec and status are changed through their own doors`() async throws {
        let fixture = try await Fixture()
        try await fixture.create("a", ["spec": ["x": 1]])
        let main = try await fixture.update("a") { $0["status"] = ["y": 1] }
        #expect(main.value["status"] == nil)
        let status = try await fixture.update("a", scope: .status(keepsLabels: true)) {
            $0["status"] = ["y": 1]
            $0[path: ["spec", "x"]] = 9
            $0[path: ["metadata", "labels", "l"]] = "v"
        }
        #expect(status.value["status"] == ["y": 1])
        #expect(status.value.at("spec", "x") == 1)
        #expect(status.labels.isEmpty)
        #expect(status.value.at("metadata", "generation") == 1)
    }

    @Test func `a subresource changes its own fields and no others`() async throws {
        let fixture = try await Fixture()
        try await fixture.create("a", ["spec": ["x": 1, "y": 1]])
        let changed = try await fixture.update("a", scope: .fields([["spec", "x"]])) { object in
            object["spec"] = ["x": 2, "y": 2]
            object[path: ["metadata", "labels", "l"]] = "v"
        }
        #expect(changed.value["spec"] == ["x": 2, "y": 1])
        #expect(changed.labels.isEmpty)

        let containers: Value = [["name": "c", "image": "i", "resources": ["limits": ["cpu": "1"]]]]
        try await fixture.create("b", ["spec": ["containers": containers]])
        let resized = try await fixture.update("b", scope: .containerResources) { object in
            object[path: ["spec", "containers"]] = [
                ["name": "c", "image": "other", "resources": ["limits": ["cpu": "2"]]], ["name": "d"],
            ]
        }
        #expect(
            resized.value.at("spec", "containers")
                == [["name": "c", "image": "i", "resources": ["limits": ["cpu": "2"]]]])
    }

    @Test func `an update that changes nothing writes nothing`() async throws {
        let fixture = try await Fixture()
        let before = try await fixture.create("a", ["spec": ["x": 1]])
        let after = try await fixture.update("a") { $0[path: ["spec", "x"]] = 1 }
        #expect(after.revision == before.revision)
        #expect(fixture.datastore.currentRevision == before.revision)
    }

    @Test func `an update of an old version is a conflict, one without version is not`() async throws {
        let fixture = try await Fixture()
        let old = try await fixture.create("a", ["spec": ["x": 1]]).value
        try await fixture.update("a") { $0[path: ["spec", "x"]] = 2 }
        await #expect(throws: Status.modified(Fixture.widgets, "a")) {
            try await fixture.update("a") { object in
                object = old
                object[path: ["spec", "x"]] = 3
            }
        }
        let new = try await fixture.update("a") { object in
            object = old
            object[path: ["metadata", "resourceVersion"]] = nil
            object[path: ["spec", "x"]] = 3
        }
        #expect(new.value.at("spec", "x") == 3)
        #expect(new.uid == old.at("metadata", "uid")?.string)
    }

    @Test func `concurrent changes without version all count`() async throws {
        let fixture = try await Fixture()
        try await fixture.create("a", ["spec": ["x": 0]])
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<50 {
                group.addTask {
                    try await fixture.update("a") { object in
                        object[path: ["metadata", "resourceVersion"]] = nil
                        object[path: ["spec", "x"]] = .integer((object.at("spec", "x")?.integer ?? 0) + 1)
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try fixture.store.get(ObjectName(namespace: "ns", name: "a")).value.at("spec", "x") == 50)
    }

    @Test func `a dry run answers as if, and writes nothing`() async throws {
        let fixture = try await Fixture()
        let request = fixture.request(verb: .create, isDryRun: true)
        let object = try await fixture.store.create(["metadata": ["name": "a"]], request)
        #expect(object.name == "a")
        #expect(object.value.at("metadata", "resourceVersion") == nil)
        #expect(fixture.datastore.currentRevision == 0)
        await #expect(throws: Status.notFound(Fixture.widgets, "a")) { try await fixture.delete("a") }
    }

    // MARK: Deletion

    @Test func `without grace and finalizers an object is gone at once`() async throws {
        let fixture = try await Fixture()
        try await fixture.create("a")
        guard case .removed = try await fixture.delete("a") else {
            throw Unexpected("the object was kept")
        }
        #expect(fixture.store.cache.get(ObjectName(namespace: "ns", name: "a")) == nil)
    }

    @Test func `finalizers hold an object until the last one is removed`() async throws {
        let fixture = try await Fixture()
        try await fixture.create("a", ["metadata": ["finalizers": ["x.io/a", "x.io/b"]]])
        guard case .marked(let marked) = try await fixture.delete("a") else {
            throw Unexpected("the object was removed")
        }
        #expect(marked.isDeleting)
        #expect(marked.value.at("metadata", "generation") == 2)
        try await fixture.update("a") { $0[path: ["metadata", "finalizers"]] = ["x.io/b"] }
        await #expect(throws: Status.self) {
            try await fixture.update("a") { $0[path: ["metadata", "finalizers"]] = ["x.io/b", "x.io/c"] }
        }
        let before = try fixture.store.get(ObjectName(namespace: "ns", name: "a"))
        let last = try await fixture.update("a") { $0[path: ["metadata", "finalizers"]] = nil }
        // The answer is what the client made of it, at the version that it found.
        #expect(last.value.at("metadata", "finalizers") == nil)
        #expect(last.revision == before.revision)
        #expect(fixture.store.cache.get(ObjectName(namespace: "ns", name: "a")) == nil)
    }

    @Test(arguments: [
        (DeletionOptions.Propagation.orphan, "orphan"), (.foreground, "foregroundDeletion"),
    ])
    func `propagation leaves a finalizer for the garbage collector`(
        propagation: DeletionOptions.Propagation, finalizer: String
    ) async throws {
        let fixture = try await Fixture()
        try await fixture.create("a")
        guard case .marked(let marked) = try await fixture.delete("a", DeletionOptions(propagation: propagation)) else {
            throw Unexpected("the object was removed")
        }
        #expect(marked.value.at("metadata", "finalizers") == [.string(finalizer)])
    }

    @Test func `preconditions name the object that is meant`() async throws {
        let fixture = try await Fixture()
        let object = try await fixture.create("a")
        await #expect(throws: Status.self) { try await fixture.delete("a", DeletionOptions(preconditionUID: "other")) }
        for version in ["99", "abc", ""] {
            let options = DeletionOptions(preconditionVersion: version)
            let status = await #expect(throws: Status.self) { try await fixture.delete("a", options) }
            #expect(status?.isConflict == true)
        }
        _ = try await fixture.delete(
            "a", DeletionOptions(preconditionUID: object.uid, preconditionVersion: String(object.revision)))
    }

    private struct GracefulStrategy: ResourceStrategy {
        func gracePeriod(for object: Value, _ options: DeletionOptions) -> Int { options.gracePeriodSeconds ?? 30 }
    }

    @Test func `grace marks first, can only be shortened, and ends with zero`() async throws {
        let fixture = try await Fixture(strategy: GracefulStrategy())
        try await fixture.create("a")
        guard case .marked(let first) = try await fixture.delete("a") else { throw Unexpected("removed") }
        #expect(first.value.at("metadata", "deletionGracePeriodSeconds") == 30)
        guard case .marked(let longer) = try await fixture.delete("a", DeletionOptions(gracePeriodSeconds: 60)) else {
            throw Unexpected("removed")
        }
        #expect(longer.revision == first.revision)
        guard case .marked(let shorter) = try await fixture.delete("a", DeletionOptions(gracePeriodSeconds: 5)) else {
            throw Unexpected("removed")
        }
        #expect(shorter.value.at("metadata", "deletionTimestamp")?.string == (Fixture.now + .seconds(5)).description)
        guard case .removed(let last) = try await fixture.delete("a", DeletionOptions(gracePeriodSeconds: 0)) else {
            throw Unexpected("kept")
        }
        #expect(last.value.at("metadata", "deletionGracePeriodSeconds") == 0)
        #expect(last.value.at("metadata", "deletionTimestamp")?.string == Fixture.now.description)
    }

    /// Kubernetes writes the step to 0 before it removes the object.
    @Test func `what goes is shown last without grace, what leaves a selection as it is`() throws {
        func widget(_ labels: Value) -> Value {
            [
                "apiVersion": "test.io/v1", "kind": "Widget",
                "metadata": [
                    "name": "a", "namespace": "ns", "uid": "u", "labels": labels,
                    "deletionGracePeriodSeconds": 30, "deletionTimestamp": "2027-01-15T08:00:30Z",
                ],
            ]
        }
        let old = try StoredObject(logged: widget(["l": "1"]).json, revision: 5)
        let new = try StoredObject(logged: widget(["l": "2"]).json, revision: 6)
        let gone = SelectedEvent(.deleted, old, CacheChange(old: old, new: nil, revision: 6)).versioned.value
        #expect(gone.at("metadata", "deletionGracePeriodSeconds") == 0)
        #expect(gone.at("metadata", "deletionTimestamp") == "2027-01-15T08:00:00Z")
        #expect(gone.at("metadata", "resourceVersion") == "6")
        let left = SelectedEvent(.deleted, old, CacheChange(old: old, new: new, revision: 6)).versioned.value
        #expect(left.at("metadata", "deletionGracePeriodSeconds") == 30)
        #expect(left.at("metadata", "deletionTimestamp") == "2027-01-15T08:00:30Z")
    }
}
