import API
import APIMachinery
import Client
import Support
import Synchronization
import Testing

@testable import APIServer

/// The turn of the mutating webhooks of one request, with a caller that answers at once.
@Suite struct MutatingWebhooksTests {
    /// Answers as it was told for each URL, and notes what it was called for.
    private final class Caller: WebhookCaller {
        private let answers: [String: Result<Value, WebhookFailure>]
        private let noted = Mutex<[WebhookCall]>([])

        init(_ answers: [String: Result<Value, WebhookFailure>]) { self.answers = answers }

        var calls: [WebhookCall] { noted.withLock(\.self) }

        func call(_ call: WebhookCall) throws(WebhookFailure) -> Value {
            noted.withLock { $0.append(call) }
            guard var response = try answers[call.target.url]?.get() else {
                throw WebhookFailure(kind: .unreachable, description: "nobody is at \(call.target.url)")
            }
            response["uid"] = call.body.at("request", "uid")
            return ["kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "response": response]
        }
    }

    /// One version of everything, in which objects stay as they are.
    private struct OneVersion: ResourceVersions {
        func equivalents(of resource: GroupVersionResource) -> [GroupVersionResource] { [resource] }
        func kind(of resource: GroupVersionResource, subresource: String?) -> GroupVersionKind? { Self.kind }
        func show(_ object: Value, as resource: GroupVersionResource) -> Value { object }
        func read(
            _ object: Value, as resource: GroupVersionResource, subresource: String?, for home: GroupVersionResource
        ) -> Value { object }

        static let kind = GroupVersionKind(group: "test.io", version: "v1", kind: "Widget")
    }

    private static func webhook(_ name: String, _ more: Value = [:]) -> Value {
        var webhook: Value = [
            "name": .string(name), "clientConfig": ["url": .string("https://\(name)/")], "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
            "rules": [
                ["operations": ["*"], "apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*"]]
            ],
        ]
        for (key, value) in more.fields ?? Fields() { webhook[key] = value }
        return webhook
    }

    private static func configuration(_ webhooks: [Value]) -> Value {
        ["metadata": ["name": "c"], "webhooks": .array(webhooks)]
    }

    private static func patch(_ operations: String) -> Value {
        ["allowed": true, "patchType": "JSONPatch", "patch": .string(Base64.encode(Array(operations.utf8)))]
    }

    /// The request after its turn; `isDryRun` and `object` are its own.
    private func admit(
        _ webhooks: [Value], _ caller: Caller, isDryRun: Bool = false
    ) async throws(Status) -> AdmissionRequest {
        let sets: (GroupVersionResource) -> any ObjectSet = {
            $0 == .mutatingWebhookConfigurations ? FixedSet(Self.configuration(webhooks)) : FixedSet()
        }
        let plugin = AdmissionWebhooks(
            sets, caller: caller, versions: OneVersion(), authorizer: MastersAuthorizer()
        ).mutating
        var request = AdmissionRequest(
            WriteRequest(
                user: .apiServer, target: Target(Fixture.widgets, namespace: "ns"),
                options: WriteOptions(isDryRun: isDryRun), verb: .create),
            OneVersion.kind, resource: Fixture.widgets,
            object: ["metadata": ["name": "w", "namespace": "ns"], "spec": [:]])
        try await plugin.admit(&request)
        return request
    }

    @Test func `each call leaves an annotation for the audit log, and what the webhook adds to it`() async throws {
        let caller = Caller([
            "https://a/": .success(["allowed": true, "auditAnnotations": ["key": "text"], "warnings": ["mind"]]),
            "https://b/": .success(Self.patch(#"[{"op":"add","path":"/spec/b","value":1}]"#)),
            "https://c/": .failure(WebhookFailure(kind: .unreachable, description: "gone")),
        ])
        let request = try await admit(
            ["a", "b"].map { Self.webhook($0) } + [Self.webhook("c", ["failurePolicy": "Ignore"])], caller)
        #expect(request.object?["spec"] == ["b": 1])
        #expect(request.notes.warnings == ["mind"])
        let notes = request.notes.annotations
        #expect(notes["a/key"] == "text")
        let prefix = "mutation.webhook.admission.k8s.io/round_0_index_"
        #expect(notes[prefix + "0"] == #"{"configuration":"c","mutated":false,"webhook":"a"}"#)
        #expect(notes[prefix + "1"] == #"{"configuration":"c","mutated":true,"webhook":"b"}"#)
        #expect(notes["failed-open.mutating.webhook.admission.k8s.io/round_0_index_2"] == "c")
    }

    @Test func `a webhook has the time that its configuration gives`() async throws {
        let caller = Caller(["https://a/": .success(["allowed": true]), "https://b/": .success(["allowed": true])])
        _ = try await admit([Self.webhook("a"), Self.webhook("b", ["timeoutSeconds": 3])], caller)
        #expect(caller.calls.map(\.timeout) == [.seconds(10), .seconds(3)])
        #expect(caller.calls.map(\.url) == ["https://a/?timeout=10s", "https://b/?timeout=3s"])
    }

    /// What a patch may do, and the code of the refusal; `nil` when it is taken.
    @Test(arguments: [
        (#"[{"op":"add","path":"/spec/x","value":1}]"#, nil),
        ("null", nil), ("[]", nil), ("{", 500), (#"{"op":"add"}"#, 500),
        (#"[{"op":"remove","path":"/spec/none"}]"#, 500), (#"[{"op":"test","path":"/spec","value":1}]"#, 500),
        (#"[{"op":"replace","path":"/metadata/namespace","value":"other"}]"#, 400),
    ] as [(String, Int?)])
    func `a patch that cannot be used fails the request`(patch: String, code: Int?) async throws {
        let caller = Caller(["https://a/": .success(Self.patch(patch))])
        var found: Int?
        do throws(Status) {
            // The policy is about calls that fail, not about answers that make no sense.
            _ = try await admit([Self.webhook("a", ["failurePolicy": "Ignore"])], caller)
        } catch {
            found = error.code
        }
        #expect(found == code, "\(patch)")
    }

    @Test func `a dry run is refused by a webhook with side effects, which is not called`() async throws {
        let caller = Caller([:])
        await #expect(throws: Status.badRequest("admission webhook \"a\" does not support dry run")) {
            _ = try await admit([Self.webhook("a", ["sideEffects": "Some"])], caller, isDryRun: true)
        }
        #expect(caller.calls.isEmpty)
    }

    @Test func `of several webhooks that fail the first one closes the door`() async throws {
        let caller = Caller([:])
        await #expect {
            _ = try await admit([Self.webhook("a"), Self.webhook("b")], caller)
        } throws: {
            ($0 as? Status)?.message
                == "Internal error occurred: failed calling webhook \"a\": failed to call webhook: nobody is at "
                + "https://a/"
        }
        #expect(caller.calls.count == 1)
    }

    /// What the conditions of a webhook lead to: whether it is called, or what the refusal says.
    @Test(arguments: [
        (["true", "request.operation == 'CREATE'"], "Fail", "called"),
        (["object.metadata.name == 'w'", "false"], "Fail", "not called"),
        (["object.none == 1", "false"], "Fail", "not called"),
        (["object.none == 1"], "Ignore", "not called"),
        (
            ["object.none == 1"], "Fail",
            "widgets.test.io \"w\" is forbidden: expression 'object.none == 1' resulted in error: no such key: none"
        ),
        (
            ["object.none == 1", "1 / (object.spec.size() - object.spec.size()) == 1"], "Fail",
            "widgets.test.io \"w\" is forbidden: [expression 'object.none == 1' resulted in error: no such key: none, "
                + "expression '1 / (object.spec.size() - object.spec.size()) == 1' resulted in error: division by zero]"
        ),
        (["authorizer.group('test.io').resource('widgets').check('create').allowed()"], "Fail", "called"),
        (["oldObject == null && namespaceObject == null && request.kind.kind == 'Widget'"], "Fail", "called"),
        (
            ["params == 1"], "Fail",
            "widgets.test.io \"w\" is forbidden: compilation error: compilation failed: ERROR: <input>:1:1: undeclared "
                + "reference to 'params' (in container '')\n | params == 1\n | ^"
        ),
    ] as [([String], String, String)])
    func `match conditions decide whether a webhook is called`(
        conditions: [String], policy: String, expected: String
    ) async throws {
        let caller = Caller(["https://a/": .success(["allowed": true])])
        let list = conditions.enumerated().map { index, source -> Value in
            ["name": .string("c\(index)"), "expression": .string(source)]
        }
        let webhook = Self.webhook("a", ["matchConditions": .array(list), "failurePolicy": .string(policy)])
        var found: String
        do throws(Status) {
            _ = try await admit([webhook], caller)
            found = caller.calls.isEmpty ? "not called" : "called"
        } catch {
            found = error.message
        }
        #expect(found == expected)
    }
}
