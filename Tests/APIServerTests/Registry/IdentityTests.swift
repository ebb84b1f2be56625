import API
import APIMachinery
import APIServer
import Client
import Testing
import Wire

/// Which object a request is about, and what of its metadata counts.
@Suite(.timeLimit(.minutes(5))) struct IdentityTests {
    private static let everything: Value = ["apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]]
    private static let maps = "/api/v1/namespaces/default/configmaps"
    private static let merge: HTTPHeaders = ["Content-Type": "application/merge-patch+json"]

    private func withBoss(
        _ test: @escaping @Sendable (TestAPI, _ token: String) async throws -> Void
    ) async throws {
        try await TestAPI.run { api in
            try await test(api, try await api.token("boss", rules: [Self.everything]))
        }
    }

    private static func message(_ answer: (code: Int, text: String)) throws -> String {
        try Value(json: Array(answer.text.utf8))["message"]?.string ?? ""
    }

    @Test func `who means another object than the one of that name is told which there is`() async throws {
        try await withBoss { api, token in
            let client = api.server.client()
            let target = Target(.configMaps, namespace: "default")
            let made = try await client.create(target, ["metadata": ["name": "a"]], WriteOptions())
            var other = made.value
            other[path: ["metadata", "uid"]] = "u"
            let put = try await api.ask(.put, Self.maps + "/a", token: token, body: other)
            #expect(put.code == 409)
            let storage = "StorageError: invalid object, Code: 4, Key: /registry/configmaps/default/a, ResourceVersion: 0, "
                + "AdditionalErrorMsg: Precondition failed: UID in precondition: u, UID in object meta: "
            #expect(try Self.message(put) == #"Operation cannot be fulfilled on configmaps "a": "# + storage + made.uid)
            let patch = try await api.ask(
                .patch, Self.maps + "/a", token: token, headers: Self.merge, body: ["metadata": ["uid": "u"]])
            #expect(patch.code == 422)
            #expect(try Self.message(patch).hasSuffix(#"metadata.uid: Invalid value: "u": field is immutable"#))
            // Controllers, which patch with the uid of what they saw, go on as after any other conflict.
            let seen = await #expect(throws: Status.self) {
                let wish: Value = ["metadata": ["uid": "u"]]
                _ = try await client.patch(
                    Target(.configMaps, namespace: "default", name: "a"), .merge(wish), WriteOptions())
            }
            #expect(seen?.isConflict == true)
            func delete(_ precondition: Value) async throws -> String {
                let body: Value = ["preconditions": precondition]
                let answer = try await api.ask(.delete, Self.maps + "/a", token: token, body: body)
                #expect(answer.code == 409)
                return try Self.message(answer)
            }
            #expect(
                try await delete(["uid": "u"]) == #"Operation cannot be fulfilled on ConfigMap "a": the UID in the "#
                    + "precondition (u) does not match the UID in record (\(made.uid)). The object might have been deleted "
                    + "and then recreated")
            #expect(
                try await delete(["resourceVersion": "1"]) == #"Operation cannot be fulfilled on ConfigMap "a": the "#
                    + "ResourceVersion in the precondition (1) does not match the ResourceVersion in record "
                    + "(\(made.revision)). The object might have been modified")
            _ = try await client.delete(Target(.configMaps, namespace: "default", name: "a"), DeletionOptions())
            // A controller that reports of what is gone is told so as it would be by Kubernetes.
            let late = try await api.ask(.put, Self.maps + "/a", token: token, body: other)
            #expect(late.code == 409)
            #expect(try Self.message(late) == #"Operation cannot be fulfilled on configmaps "a": "# + storage)
            other[path: ["metadata", "uid"]] = nil
            #expect(try await api.ask(.put, Self.maps + "/a", token: token, body: other).code == 404)
        }
    }

    @Test func `a name that is about to become free is told from one that is not`() async throws {
        try await withBoss { api, token in
            let held: Value = ["metadata": ["name": "a", "finalizers": ["example.com/hold"]]]
            #expect(try await api.ask(.post, Self.maps, token: token, body: held).code == 201)
            let taken = try await api.ask(.post, Self.maps, token: token, body: held)
            #expect(try Self.message(taken) == #"configmaps "a" already exists"#)
            #expect(try await api.ask(.delete, Self.maps + "/a", token: token).code == 200)
            let again = try await api.ask(.post, Self.maps, token: token, body: held)
            #expect(again.code == 409)
            #expect(try Self.message(again) == #"object is being deleted: configmaps "a" already exists"#)
        }
    }

    @Test func `an owner that is named twice counts once, and who does so is warned`() async throws {
        try await withBoss { api, token in
            let owner: Value = ["apiVersion": "v1", "kind": "ConfigMap", "name": "o", "uid": "u1"]
            var other = owner
            other["uid"] = "u2"
            let object: Value = ["metadata": ["name": "a", "ownerReferences": [owner, other, owner]]]
            let made = try await api.send(.post, Self.maps, token: token, body: object)
            #expect(made.status.code == 201)
            #expect(
                made.headers.values(of: "Warning") == [
                    "299 - \".metadata.ownerReferences contains duplicate entries; API server dedups owner references in "
                        + "1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) "
                        + "observed: u1\""
                ])
            func owners() async throws -> Int? {
                let target = Target(.configMaps, namespace: "default", name: "a")
                return try await api.server.client().get(target).value.at("metadata", "ownerReferences")?.array?.count
            }
            #expect(try await owners() == 2)
            let twice: Value = ["metadata": ["ownerReferences": [other, other]]]
            let patched = try await api.send(.patch, Self.maps + "/a", token: token, headers: Self.merge, body: twice)
            #expect(patched.headers.values(of: "Warning").count == 1)
            #expect(try await owners() == 1)
        }
    }

    @Test(arguments: ["a/b/c", "a/", ""]) func `an owner is of a version`(version: String) async throws {
        try await withBoss { api, token in
            let owner: Value = ["apiVersion": .string(version), "kind": "X", "name": "x", "uid": "q"]
            let object: Value = ["metadata": ["name": "a", "ownerReferences": [owner]]]
            let answer = try await api.ask(.post, Self.maps, token: token, body: object)
            #expect(answer.code == 422)
            #expect(
                try Self.message(answer).contains(
                    "metadata.ownerReferences.apiVersion: Invalid value: \"\(version)\": version must not be empty"))
        }
    }

    // MARK: Subresources

    @Test func `what is sent to a subresource is of the object that the URL names`() async throws {
        try await withBoss { api, token in
            let client = api.server.client()
            try await client.create(ServiceAccount(namespace: "default", name: "default"))
            let containers: Value = ["containers": [["name": "c", "image": "i"]]]
            let pod = try await client.create(
                Target(.pods, namespace: "default"), ["metadata": ["name": "p"], "spec": containers], WriteOptions())
            let template: Value = ["metadata": ["labels": ["a": "b"]], "spec": containers]
            let deployment = try await client.create(
                Target(.deployments, namespace: "default"),
                [
                    "metadata": ["name": "d"],
                    "spec": ["selector": ["matchLabels": ["a": "b"]], "template": template],
                ], WriteOptions())
            let (pods, scale) = (
                "/api/v1/namespaces/default/pods/p", "/apis/apps/v1/namespaces/default/deployments/d/scale"
            )
            func refused(_ method: HTTPMethod, _ path: String, _ body: Value, _ code: Int, _ why: String) async throws {
                let answer = try await api.ask(method, path, token: token, body: body)
                #expect(answer.code == code, "\(path) \(body)")
                #expect(try Self.message(answer).contains(why), "\(path) \(body)")
            }
            let elsewhere = "the namespace of the provided object does not match the namespace sent on the request"
            let node: Value = ["kind": "Node", "name": "n"]
            try await refused(
                .post, pods + "/eviction", ["metadata": ["name": "p", "namespace": "zz"]], 400, elsewhere)
            try await refused(
                .post, pods + "/binding", ["metadata": ["name": "p", "namespace": "zz"], "target": node], 400, elsewhere)
            try await refused(
                .post, pods + "/eviction", [:], 400, "name in URL does not match name in Eviction object")
            try await refused(
                .post, pods + "/binding", ["target": node], 400, "name in URL does not match name in Binding object")
            try await refused(
                .post, pods + "/binding", ["metadata": ["name": "p", "uid": "u"], "target": node], 409,
                "Operation cannot be fulfilled on pods/binding \"p\": StorageError: invalid object, Code: 4, "
                    + "Key: /registry/pods/default/p")
            let replicas: Value = ["replicas": 1]
            try await refused(.put, scale, ["metadata": ["name": "d", "namespace": "zz"], "spec": replicas], 400, elsewhere)
            try await refused(
                .put, scale, ["metadata": ["name": "q"], "spec": replicas], 400,
                "the name of the object (q) does not match the name on the URL (d)")
            try await refused(
                .put, scale, ["spec": replicas], 400,
                "the name of the object (d based on URL) was undeterminable: name must be provided")
            try await refused(
                .put, scale, ["metadata": ["name": "d", "uid": "1"], "spec": replicas], 409,
                "Precondition failed: UID in precondition: 1, UID in object meta: \(deployment.uid)")
            #expect(try await client.get(Target(.deployments, namespace: "default", name: "d")).revision == deployment.revision)
            #expect(try await client.get(Target(.pods, namespace: "default", name: "p")).revision == pod.revision)
            let good = try await api.ask(
                .put, scale, token: token, body: ["metadata": ["name": "d", "uid": .string(deployment.uid)], "spec": replicas])
            #expect(good.code == 200)
            // Programs of before send the version of before.
            let eviction: Value = ["apiVersion": "policy/v1beta1", "kind": "Eviction", "metadata": ["name": "p"]]
            #expect(try await api.ask(.post, pods + "/eviction", token: token, body: eviction).code == 201)
        }
    }

    // MARK: Single kinds

    @Test func `a namespace keeps the finalizers that it was made with`() async throws {
        try await withBoss { api, token in
            let path = "/api/v1/namespaces"
            let held: Value = ["metadata": ["name": "fin"], "spec": ["finalizers": ["a.b/c"]]]
            let answer = try await api.ask(.post, path, token: token, body: held)
            #expect(answer.code == 201)
            let finalizers = try Value(json: Array(answer.text.utf8)).at("spec", "finalizers")
            #expect(finalizers == ["a.b/c", "kubernetes"])
            let loose: Value = ["metadata": ["name": "loose"], "spec": ["finalizers": ["abc"]]]
            #expect(try await api.ask(.post, path, token: token, body: loose).code == 422)
        }
    }

    @Test func `the numbers of flow control that nobody gave are the usual ones`() async throws {
        try await withBoss { api, token in
            let root = "/apis/flowcontrol.apiserver.k8s.io/v1/"
            let schema: Value = ["metadata": ["name": "s"], "spec": ["priorityLevelConfiguration": ["name": "x"]]]
            let made = try await api.ask(.post, root + "flowschemas", token: token, body: schema)
            #expect(made.code == 201, "\(made.text)")
            #expect(try Value(json: Array(made.text.utf8)).at("spec", "matchingPrecedence") == 1000)
            let response: Value = ["type": "Queue", "queuing": ["queues": 0]]
            let level: Value = ["metadata": ["name": "l"], "spec": ["type": "Limited", "limited": ["limitResponse": response]]]
            let queued = try await api.ask(.post, root + "prioritylevelconfigurations", token: token, body: level)
            #expect(queued.code == 201, "\(queued.text)")
            #expect(
                try Value(json: Array(queued.text.utf8)).at("spec", "limited", "limitResponse", "queuing")
                    == ["queues": 64, "handSize": 8, "queueLengthLimit": 50])
        }
    }

    @Test func `a decision on a certificate is not taken back`() async throws {
        try await TestAPI.run { api in
            let client = api.server.client()
            let request = try await client.create(
                Target(.certificateSigningRequests), try NodeRequest.value("r"), WriteOptions())
            var approval = Target(.certificateSigningRequests, name: "r")
            approval.subresource = "approval"
            var decided = request.value
            decided[path: ["status", "conditions"]] = [["type": "Approved", "status": "True", "reason": "r"]]
            decided[path: ["metadata", "resourceVersion"]] = nil
            _ = try await client.update(approval, decided, WriteOptions())
            for conditions in [[], [["type": "Denied", "status": "True"]]] as [Value] {
                decided[path: ["status", "conditions"]] = conditions
                let undone = decided
                let status = await #expect(throws: Status.self) {
                    try await client.update(approval, undone, WriteOptions())
                }
                #expect(status?.code == 422)
                #expect(
                    status?.message.hasSuffix(
                        "status.conditions: Forbidden: updates may not remove a condition of type \"Approved\"") == true)
            }
        }
    }

    @Test func `between the word bearer and a token there is one space`() async throws {
        try await withBoss { api, token in
            for (sent, code) in [(token, 200), (" " + token, 401), (token + " more", 200)] {
                let answer = try await api.ask(.get, Self.maps, token: sent)
                #expect(answer.code == code)
            }
        }
    }
}
