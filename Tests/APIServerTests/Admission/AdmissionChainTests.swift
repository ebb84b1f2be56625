import APIMachinery
import Client
import Synchronization
import Testing

@testable import APIServer

@Suite struct AdmissionChainTests {
    /// Writes down when it is asked what.
    private final class Journal: Sendable {
        private let lines = Mutex<[String]>([])
        func add(_ line: String) { lines.withLock { $0.append(line) } }
        func take() -> [String] {
            lines.withLock { lines in
                defer { lines = [] }
                return lines
            }
        }
    }

    private struct Recorder: MutatingAdmission, ValidatingAdmission {
        let name: String
        let journal: Journal
        var refusesToValidate = false

        func admit(_ request: inout AdmissionRequest) {
            journal.add("admit \(name) \(request.operation.rawValue)")
            request.object?[path: ["spec", name]] = true
            if request.operation == .create { request.object?[path: ["metadata", "uid"]] = "forged" }
        }

        func validate(_ request: AdmissionRequest) throws(Status) {
            journal.add("validate \(name) \(request.operation.rawValue)")
            request.notes.warn("\(name) was here")
            if refusesToValidate { throw request.forbidden("no") }
        }

        func forget(_ request: AdmissionRequest) { journal.add("forget \(name)") }
    }

    private struct Elsewhere: MutatingAdmission {
        func concerns(_ resource: GroupVersionResource) -> Bool { resource != Fixture.widgets }
        func admit(_ request: inout AdmissionRequest) { Issue.record("asked about \(request.resource)") }
    }

    @Test func `all plug-ins change before any judges, and only those of the resource are asked`() async throws {
        let journal = Journal()
        let fixture = try await Fixture(admission: [
            Recorder(name: "a", journal: journal), Elsewhere(), Recorder(name: "b", journal: journal),
        ])
        func turn(_ operation: String) -> [String] {
            ["admit a", "admit b", "validate a", "validate b"].map { "\($0) \(operation)" }
        }
        let created = try await fixture.create("w")
        #expect(journal.take() == turn("CREATE") + ["forget a", "forget b"])
        #expect(created.value["spec"] == ["a": true, "b": true])
        #expect(created.uid != "forged")
        try await fixture.update("w") { $0[path: ["spec", "more"]] = 1 }
        #expect(journal.take() == turn("UPDATE") + ["forget a", "forget b"])
        _ = try await fixture.delete("w")
        #expect(journal.take() == turn("DELETE"))
    }

    @Test func `what is over is forgotten, also when it came to nothing`() async throws {
        let journal = Journal()
        let fixture = try await Fixture(admission: [
            Recorder(name: "a", journal: journal), Recorder(name: "b", journal: journal, refusesToValidate: true),
        ])
        await #expect(throws: Status.self) { try await fixture.create("w") }
        #expect(journal.take().suffix(2) == ["forget a", "forget b"])
        let dry = try await Fixture(admission: [Recorder(name: "a", journal: journal)])
        _ = try await dry.store.create(
            ["metadata": ["name": "w"]], dry.request(verb: .create, isDryRun: true))
        #expect(journal.take().last == "forget a")
    }

    @Test func `warnings are kept, each once, also of a request that fails`() async throws {
        let fixture = try await Fixture(admission: [Recorder(name: "a", journal: Journal(), refusesToValidate: true)])
        let request = fixture.request(verb: .create)
        for _ in 0..<2 {
            await #expect(throws: Status.self) {
                try await fixture.store.create(["metadata": ["name": "w"]], request)
            }
        }
        #expect(request.notes.warnings == ["a was here"])
    }

    @Test func `a request tells its options and what was asked for`() {
        let stored = GroupVersionResource(group: "test.io", version: "v1", resource: "widgets")
        let asked = GroupVersionResource(group: "test.io", version: "v2", resource: "widgets")
        let write = WriteRequest(
            user: .apiServer, target: Target(asked, namespace: "ns", name: "w"),
            options: WriteOptions(isDryRun: true, fieldManager: "me"), verb: .update)
        let kind = GroupVersionKind(group: "test.io", version: "v1", kind: "Widget")
        let request = AdmissionRequest(write, kind, resource: stored, object: [:], over: [:])
        #expect(request.kind == kind)
        #expect(request.requestKind == GroupVersionKind(group: "test.io", version: "v2", kind: "Widget"))
        #expect(request.requestResource == asked)
        #expect(
            request.options == [
                "apiVersion": "meta.k8s.io/v1", "kind": "UpdateOptions", "dryRun": ["All"], "fieldManager": "me",
            ])
        for (isOfCollection, name) in [(false, "w"), (true, "")] {
            var one = write
            (one.verb, one.isOfCollection) = (.delete, isOfCollection)
            let request = AdmissionRequest(one, kind, resource: stored, object: nil, over: [:])
            #expect(request.name == name)
            #expect(request.namespace == "ns")
        }
        let deletion = AdmissionRequest(
            WriteRequest(user: .apiServer, target: Target(stored), options: WriteOptions(), verb: .delete), kind,
            resource: stored, object: nil, over: [:],
            deletion: DeletionOptions(gracePeriodSeconds: 3, propagation: .orphan, preconditionUID: "u"))
        #expect(
            deletion.options == [
                "apiVersion": "meta.k8s.io/v1", "kind": "DeleteOptions", "gracePeriodSeconds": 3,
                "propagationPolicy": "Orphan", "preconditions": ["uid": "u"],
            ])
    }
}
