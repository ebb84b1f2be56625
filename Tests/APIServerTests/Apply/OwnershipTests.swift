import API
import Client
import Testing
import Wire

@testable import APIMachinery
@testable import APIServer

/// Who owns what after every sort of write, over HTTP; and what that costs in memory.
@Suite struct OwnershipTests {
    /// One write to a Deployment of 3 replicas and a label `a`, and the entry that it leaves.
    struct Write: Sendable, CustomTestStringConvertible {
        var method: HTTPMethod = .patch
        var subresource = ""
        var query = ""
        var type = "application/merge-patch+json"
        var body: Value
        var entry: String
        var testDescription: String { "\(method) \(subresource) \(type)" }
    }

    static let writes = [
        Write(
            body: ["spec": ["replicas": 5]], entry: #"writer Update  {"f:spec":{"f:replicas":{}}}"#),
        Write(
            type: "application/strategic-merge-patch+json",
            body: ["spec": ["template": ["spec": ["containers": [["name": "c", "image": "x:2"]]]]]],
            entry: #"writer Update  {"f:spec":{"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"c\"}":"#
                + #"{"f:image":{}}}}}}}"#),
        Write(
            type: "application/json-patch+json",
            body: [["op": "add", "path": "/metadata/finalizers", "value": ["x.io/a"]]],
            entry: #"writer Update  {"f:metadata":{"f:finalizers":{".":{},"v:\"x.io/a\"":{}}}}"#),
        Write(
            method: .put, type: "application/json", body: deployment(replicas: 4),
            entry: #"writer Update  {"f:spec":{"f:replicas":{}}}"#),
        Write(
            query: "&fieldManager=named", body: ["metadata": ["labels": ["b": "1"]]],
            entry: #"named Update  {"f:metadata":{"f:labels":{"f:b":{}}}}"#),
        Write(
            method: .put, subresource: "/status", type: "application/json",
            body: deployment(replicas: 9, status: ["observedGeneration": 1]),
            entry: #"writer Update status {"f:status":{"f:observedGeneration":{}}}"#),
        Write(
            subresource: "/status", query: "&fieldManager=me&force=true", type: "application/apply-patch+yaml",
            body: ["apiVersion": "apps/v1", "kind": "Deployment", "status": ["replicas": 1]],
            entry: #"me Apply status {"f:status":{"f:replicas":{}}}"#),
        Write(
            method: .put, subresource: "/scale", type: "application/json",
            body: [
                "apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": ["name": "web", "namespace": "default"],
                "spec": ["replicas": 8],
            ], entry: #"writer Update scale {"f:spec":{"f:replicas":{}}}"#),
    ]

    @Test(arguments: writes)
    func `every write leaves its writer what it changed`(write: Write) async throws {
        try await ApplyWorld.run { world in
            let path = "/apis/apps/v1/namespaces/default/deployments"
            let made = try await world.send(.post, path, "application/json", Self.deployment(replicas: 3), agent: "maker/1")
            #expect(made.code == 201)
            #expect(world.owners(made).map { $0.prefix(14) } == ["maker Update  "])
            let target = path + "/web" + write.subresource + "?pretty=false" + write.query
            let answer = try await world.send(write.method, target, write.type, write.body, agent: "writer/1 (x)")
            #expect(answer.code == 200)
            let owners = world.owners(try await world.get(path + "/web"))
            #expect(owners.contains(write.entry), "\(owners)")
            // Each part has one owner: nobody has what was taken from him.
            #expect(owners.filter { $0.contains("f:replicas") && $0.contains("f:spec") }.count == 1)
        }
    }

    @Test func `an ephemeral container has its writer too`() async throws {
        try await ApplyWorld.run { world in
            try await world.allowPods()
            let path = "/api/v1/namespaces/default/pods"
            let pod: Value = ["metadata": ["name": "p"], "spec": ["containers": [["name": "c", "image": "x"]]]]
            #expect(try await world.send(.post, path, "application/json", pod).code == 201)
            let debug: Value = ["spec": ["ephemeralContainers": [["name": "d", "image": "y"]]]]
            let answer = try await world.send(
                .patch, path + "/p/ephemeralcontainers", "application/strategic-merge-patch+json", debug, agent: "debug/1")
            #expect(answer.code == 200)
            // Entries of one second are in the order of their names: which of them is last depends on the clock.
            let entry = try #require(world.owners(answer).first { $0.hasPrefix("debug") })
            #expect(entry.hasPrefix(#"debug Update ephemeralcontainers {"f:spec":{"f:ephemeralContainers":{".":{},"#))
        }
    }

    @Test func `keyed lists, sets and atomic lists of a Pod are merged as its schema says`() async throws {
        try await ApplyWorld.run { world in
            try await world.allowPods()
            let path = "/api/v1/namespaces/default/pods/p"
            func pod(_ finalizers: [Value], _ port: Int64, _ args: [Value]) -> Value {
                let container: Value = [
                    "name": "c", "image": "x", "args": .array(args), "ports": [["containerPort": .integer(port)]],
                ]
                return [
                    "apiVersion": "v1", "kind": "Pod", "metadata": ["name": "p", "finalizers": .array(finalizers)],
                    "spec": ["containers": [container]],
                ]
            }
            _ = try await world.apply(path, pod(["a.io/a"], 80, ["1"]), manager: "one")
            // The ports are told apart by number and protocol, the finalizers by their text, the arguments not at all.
            let conflict = try await world.apply(path, pod(["b.io/b"], 81, ["2"]), manager: "two")
            #expect(
                conflict.value["message"]
                    == #"Apply failed with 1 conflict: conflict with "one": .spec.containers[name="c"].args"#)
            var more = pod(["b.io/b"], 80, ["1"])
            more[path: ["spec", "containers"]] = nil
            let merged = try await world.apply(path, more, manager: "two")
            #expect(merged.value.at("metadata", "finalizers") == ["a.io/a", "b.io/b"])
            more[path: ["metadata", "finalizers"]] = []
            let less = try await world.apply(path, more, manager: "two")
            #expect(less.value.at("metadata", "finalizers") == ["a.io/a"])
        }
    }

    /// The pods of one ReplicaSet, each running, each with an address of its own.
    @Test func `the owners of a hundred pods take little beside the pods`() async throws {
        try await ApplyWorld.run { world in
            try await world.allowPods()
            let client = world.api.server.client()
            var (json, text) = (0, 0)
            var claims: Set<FieldClaim> = []
            for number in 0..<100 {
                let name = "p\(number)"
                _ = try await client.create(Target(.pods, namespace: "default"), Self.pod(name), WriteOptions())
                let status: Value = ["status": Self.status(.string("10.42.0.\(number)"))]
                let running = try await client.patch(
                    Target(.pods, namespace: "default", name: name, subresource: "status"), .merge(status),
                    WriteOptions())
                json += running.bytes.count
                text += running.wholeBytes.count - running.bytes.count
                claims.formUnion(running.managedFields.claims)
            }
            // Two managers: a list of 16 bytes each, and the claims. A claim whose frame is new is not counted as such;
            // of those there is a handful.
            let own = claims.reduce(0) { $0 + $1.size.shared } + 100 * (32 + 2 * 16)
            #expect(claims.count < 110)
            #expect(own < json / 5, "\(own / 100) bytes of owners beside \(json / 100) bytes of a pod")
            #expect(own < text / 4, "\(own / 100) bytes of owners, \(text / 100) as text")
        }
    }

    private static func pod(_ name: String) -> Value {
        [
            "metadata": [
                "name": .string(name), "labels": ["app": "web", "pod-template-hash": "5d4f8"],
                "ownerReferences": [
                    [
                        "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "u", "controller": true,
                        "blockOwnerDeletion": true,
                    ]
                ],
            ],
            "spec": ["containers": [["name": "c", "image": "x", "ports": [["containerPort": 80]]]]],
        ]
    }

    private static func status(_ ip: Value) -> Value {
        let time: Value = "2026-11-21T12:00:00Z"
        let conditions = ["Initialized", "Ready", "ContainersReady", "PodScheduled"].map { type -> Value in
            ["type": .string(type), "status": "True", "lastProbeTime": .null, "lastTransitionTime": time]
        }
        let container: Value = [
            "name": "c", "image": "x", "imageID": "x", "ready": true, "restartCount": 0,
            "state": ["running": ["startedAt": time]],
        ]
        return [
            "phase": "Running", "podIP": ip, "podIPs": [["ip": ip]], "hostIP": "10.0.0.1",
            "hostIPs": [["ip": "10.0.0.1"]], "startTime": time, "conditions": .array(conditions),
            "containerStatuses": [container],
        ]
    }

    private static func deployment(replicas: Int64, status: Value? = nil) -> Value {
        var deployment: Value = [
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": "web", "labels": ["a": "1"]],
            "spec": [
                "replicas": .integer(replicas), "selector": ["matchLabels": ["app": "web"]],
                "template": [
                    "metadata": ["labels": ["app": "web"]], "spec": ["containers": [["name": "c", "image": "x"]]],
                ],
            ],
        ]
        deployment["status"] = status
        return deployment
    }
}
