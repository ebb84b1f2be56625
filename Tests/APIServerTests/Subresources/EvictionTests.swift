import API
import APIMachinery
import Client
import Testing
import Wire

@testable import APIServer

@Suite struct EvictionDecisionTests {
    private func pod(_ phase: String, ready: Bool = true, deleting: Bool = false) -> Value {
        var pod: Value = [
            "metadata": ["name": "p", "namespace": "ns", "labels": ["app": "a"]],
            "status": [
                "phase": .string(phase), "conditions": [["type": "Ready", "status": ready ? "True" : "False"]],
            ],
        ]
        if deleting { pod[path: ["metadata", "deletionTimestamp"]] = "2027-01-01T00:00:00Z" }
        return pod
    }

    private func budget(
        _ name: String = "b", app: String = "a", policy: String? = nil, current: Int64 = 1, desired: Int64 = 1
    ) -> StoredObject {
        var value: Value = [
            "metadata": ["name": .string(name), "namespace": "ns"],
            "spec": ["selector": ["matchLabels": ["app": .string(app)]]],
            "status": ["currentHealthy": .integer(current), "desiredHealthy": .integer(desired)],
        ]
        value[path: ["spec", "unhealthyPodEvictionPolicy"]] = policy.map { .string($0) }
        return StoredObject(received: value)
    }

    private func decide(_ pod: Value, _ budgets: [StoredObject]) -> String {
        switch EvictionDecision.decide(pod, budgets) {
        case .delete(let onlyUnchanged): onlyUnchanged ? "delete unchanged" : "delete"
        case .take(let name): "take \(name.name)"
        case .refuse(let status): "refuse \(status.code)"
        }
    }

    @Test func `a pod that is over or not begun needs no budget`() {
        for phase in ["Succeeded", "Failed"] { #expect(decide(pod(phase), [budget()]) == "delete") }
        #expect(decide(pod("Running", deleting: true), [budget()]) == "delete")
        #expect(decide(pod("Pending"), [budget()]) == "delete unchanged")
    }

    @Test func `one budget gives, several refuse, others do not matter`() {
        #expect(decide(pod("Running"), []) == "delete")
        #expect(decide(pod("Running"), [budget(app: "other")]) == "delete")
        #expect(decide(pod("Running"), [budget(app: "other"), budget("c")]) == "take c")
        #expect(decide(pod("Running"), [budget("b"), budget("c")]) == "refuse 500")
    }

    @Test(arguments: [
        (nil, 1, 1, "delete unchanged"), (nil, 0, 1, "take b"), (nil, 0, 0, "take b"),
        ("IfHealthyBudget", 2, 1, "delete unchanged"), ("IfHealthyBudget", 0, 1, "take b"),
        ("AlwaysAllow", 0, 1, "delete unchanged"),
    ] as [(String?, Int64, Int64, String)])
    func `a pod that is not ready goes if the policy or the others' health allows it`(
        policy: String?, current: Int64, desired: Int64, expected: String
    ) {
        let budget = budget(policy: policy, current: current, desired: desired)
        #expect(decide(pod("Running", ready: false), [budget]) == expected)
        #expect(decide(pod("Running"), [budget]) == "take b")
    }

    // MARK: Taking

    private func spend(_ status: Value, generation: Int64 = 1) -> Result<Value, Status> {
        let budget: Value = ["metadata": ["name": "b", "generation": .integer(generation)], "status": status]
        do throws(Status) { return .success(try EvictionDecision.take("p", from: budget, at: "now")) } catch {
            return .failure(error)
        }
    }

    @Test func `a disruption is taken and noted, the last one closes the budget`() throws {
        let two = try spend(["observedGeneration": 1, "disruptionsAllowed": 2]).get()
        #expect(two.at("status", "disruptionsAllowed") == 1)
        #expect(two.at("status", "disruptedPods", "p") == "now")
        #expect(two.at("status", "conditions") == nil)
        let one = try spend(["observedGeneration": 1, "disruptionsAllowed": 1]).get()
        #expect(one.at("status", "conditions")?.array?.first?["status"] == "False")
    }

    @Test func `a budget says why it does not give`() {
        func why(_ status: Value, generation: Int64 = 1) -> (Int, String, Int) {
            guard case .failure(let error) = spend(status, generation: generation) else { return (0, "", 0) }
            let cause = error.details?.causes.first
            #expect(cause?.reason == "DisruptionBudget")
            return (error.code, cause?.message ?? "", error.details?.retryAfterSeconds ?? 0)
        }
        #expect(
            why(["observedGeneration": 1, "disruptionsAllowed": 1], generation: 2)
                == (429, "The disruption budget b is still being processed by the server.", 10))
        #expect(
            why(["observedGeneration": 1, "currentHealthy": 1, "desiredHealthy": 2])
                == (429, "The disruption budget b needs 2 healthy pods and has 1 currently", 0))
        #expect(
            why([
                "observedGeneration": 1,
                "conditions": [
                    ["type": "DisruptionAllowed", "status": "False", "reason": "SyncFailed", "message": "m"]
                ],
            ]).1 == "The disruption budget b does not allow evicting pods currently because it failed sync: m")
        #expect(why(["observedGeneration": 1, "disruptionsAllowed": -1]).0 == 403)
    }
}

/// Evictions, bindings and the changes of pods that have their own doors, as clients make them.
@Suite(.timeLimit(.minutes(5))) struct PodSubresourceTests {
    private static let all: Value = ["apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]]
    private static let pods = "/api/v1/namespaces/default/pods"

    private func withPod(
        _ body: @escaping @Sendable (TestAPI, _ token: String) async throws -> Void
    ) async throws {
        try await TestAPI.run { api in
            let token = try await api.token("tester", rules: [Self.all])
            try await api.server.client().create(ServiceAccount(namespace: "default", name: "default"))
            let limits: Value = ["cpu": "1", "memory": "1Gi"]
            let pod: Value = [
                "metadata": ["name": "p", "labels": ["app": "a"]],
                "spec": [
                    "containers": [["name": "c", "image": "i", "resources": ["requests": limits, "limits": limits]]]
                ],
            ]
            #expect(try await api.ask(.post, Self.pods, token: token, body: pod).code == 201)
            try await body(api, token)
        }
    }

    private func pod(_ api: TestAPI) async throws -> Value {
        try await api.server.client().get(Target(.pods, namespace: "default", name: "p")).value
    }

    private func patch(_ api: TestAPI, _ token: String, _ subresource: String, _ patch: Value) async throws
        -> (code: Int, text: String)
    {
        let answer = try await api.raw(
            .patch, Self.pods + "/p/" + subresource, token: token, type: "application/strategic-merge-patch+json",
            headers: [:], body: patch.json)
        return (answer.code, String(decoding: answer.bytes, as: UTF8.self))
    }

    private func bind(_ api: TestAPI, _ token: String, _ more: Value = [:]) async throws -> (code: Int, text: String) {
        var body: Value = ["target": ["kind": "Node", "name": "n1"], "metadata": ["name": "p"]]
        for key in ["uid", "labels"] { if let value = more[key] { body[path: ["metadata", key]] = value } }
        return try await api.ask(.post, Self.pods + "/p/binding", token: token, body: body)
    }

    @Test func `a pod is bound once, which is nobody's wish and does not count as one`() async throws {
        try await withPod { api, token in
            #expect(try await bind(api, token, ["uid": "other"]).code == 409)
            #expect(try await bind(api, token).code == 201)
            #expect(try await pod(api).at("metadata", "generation") == 1)
            let again = try await bind(api, token)
            #expect(again.code == 409)
            #expect(
                again.text.contains(
                    #"Operation cannot be fulfilled on pods/binding \"p\": pod p is already assigned to node \"n1\""#))
        }
    }

    @Test func `a pod that is bound waits for no room, and bears the labels of its node's place`() async throws {
        try await withPod { api, token in
            #expect(try await patch(api, token, "status", ["status": ["nominatedNodeName": "n1"]]).code == 200)
            #expect(try await bind(api, token, ["labels": ["app": "b"]]).code == 201)
            let bound = try await pod(api)
            #expect(bound.at("status", "nominatedNodeName") == nil)
            #expect(bound.at("metadata", "labels", "app") == "b")
        }
    }

    @Test func `an eviction without budget says why the pod goes; a dry run changes nothing`() async throws {
        try await withPod { api, token in
            _ = try await bind(api, token)
            #expect(try await patch(api, token, "status", ["status": ["phase": "Running"]]).code == 200)
            let path = Self.pods + "/p/eviction"
            let eviction: Value = ["apiVersion": "policy/v1", "kind": "Eviction", "metadata": ["name": "p"]]
            #expect(try await api.ask(.post, path + "?dryRun=All", token: token, body: eviction).code == 201)
            #expect(try await pod(api).at("metadata", "deletionTimestamp") == nil)
            var other = eviction
            other["deleteOptions"] = ["preconditions": ["uid": "other"]]
            #expect(try await api.ask(.post, path, token: token, body: other).code == 409)
            #expect(try await api.ask(.post, path, token: token, body: eviction).code == 201)
            let marked = try await pod(api)
            #expect(marked.at("metadata", "deletionTimestamp") != nil)
            let conditions = marked.at("status", "conditions")?.array ?? []
            #expect(conditions.contains { $0["type"] == "DisruptionTarget" && $0["reason"] == "EvictionByEvictionAPI" })
        }
    }

    @Test func `a budget without disruptions left answers 429 and names itself`() async throws {
        try await withPod { api, token in
            _ = try await bind(api, token)
            _ = try await patch(
                api, token, "status",
                ["status": ["phase": "Running", "conditions": [["type": "Ready", "status": "True"]]]])
            let budgets = "/apis/policy/v1/namespaces/default/poddisruptionbudgets"
            let budget: Value = [
                "metadata": ["name": "b"], "spec": ["minAvailable": 1, "selector": ["matchLabels": ["app": "a"]]],
            ]
            #expect(try await api.ask(.post, budgets, token: token, body: budget).code == 201)
            let eviction: Value = ["apiVersion": "policy/v1", "kind": "Eviction", "metadata": ["name": "p"]]
            let answer = try await api.ask(.post, Self.pods + "/p/eviction", token: token, body: eviction)
            #expect(answer.code == 429)
            #expect(answer.text.contains("DisruptionBudget"))
            #expect(answer.text.contains("violate the pod's disruption budget"))
        }
    }

    @Test func `resizing changes cpu and memory, not the class, and no other resource`() async throws {
        try await withPod { api, token in
            func resize(_ cpu: Value, _ memory: Value = "1Gi", more: Value = [:]) async throws -> (code: Int, text: String) {
                var amounts: Value = ["cpu": cpu, "memory": memory]
                for (name, value) in more.fields ?? Fields() { amounts[name] = value }
                let resources: Value = ["requests": amounts, "limits": amounts]
                return try await patch(
                    api, token, "resize", ["spec": ["containers": [["name": "c", "resources": resources]]]])
            }
            #expect(try await resize("2").code == 200)
            let resized = try await pod(api)
            #expect(resized.at("metadata", "generation") == 2)
            #expect(
                resized.at("spec", "containers")?.array?.first?.at("resources", "limits", "cpu") == "2")
            let other = try await resize("2", more: ["example.com/x": "1"])
            #expect(other.code == 422)
            #expect(other.text.contains("only cpu and memory resources are mutable"))
            let quality = try await patch(
                api, token, "resize",
                ["spec": ["containers": [["name": "c", "resources": ["requests": ["cpu": "1"]]]]]])
            #expect(quality.code == 422)
            #expect(quality.text.contains("Pod QOS Class may not change as a result of resizing"))
            let added = try await patch(
                api, token, "resize", ["spec": ["containers": [["name": "d", "image": "i"]]]])
            #expect(added.code == 422)
            // Elsewhere resources do not change.
            let direct = try await patch(
                api, token, "", ["spec": ["containers": [["name": "c", "resources": ["limits": ["cpu": "3"]]]]]])
            #expect(direct.code == 422)
        }
    }

    @Test func `ephemeral containers are added, never changed nor taken away`() async throws {
        try await withPod { api, token in
            func ask(_ containers: Value) async throws -> (code: Int, text: String) {
                let answer = try await api.raw(
                    .patch, Self.pods + "/p/ephemeralcontainers", token: token, type: "application/merge-patch+json",
                    headers: [:], body: (["spec": ["ephemeralContainers": containers]] as Value).json)
                return (answer.code, String(decoding: answer.bytes, as: UTF8.self))
            }
            let one: Value = ["name": "e1", "image": "i"]
            let added = try await ask([one])
            #expect(added.code == 200)
            let changed = try await ask([["name": "e1", "image": "j"]])
            #expect(changed.text.contains("may not be changed"))
            let removed = try await ask([["name": "e2", "image": "i"]])
            #expect(removed.text.contains("may not be removed"))
        }
    }
}
