import API
import APIMachinery
import Client
import Support
import Testing
import Wire

@testable import APIServer

/// Server-side apply and the owners of fields, over HTTP.
@Suite struct ApplyTests {
    @Test func `applying creates, changes nothing the second time, and takes back what is given up`() async throws {
        try await ApplyWorld.run { world in
            let path = "/api/v1/namespaces/default/configmaps/a"
            let both = Self.configMap(["x": "1", "y": "1"])
            let created = try await world.apply(path, both, manager: "me")
            #expect(created.code == 201)
            #expect(world.owners(created) == [#"me Apply  {"f:data":{"f:x":{},"f:y":{}}}"#])
            let again = try await world.apply(path, both, manager: "me")
            #expect(again.code == 200)
            #expect(again.value == created.value)
            let less = try await world.apply(path, Self.configMap(["x": "1"]), manager: "me")
            #expect(less.value["data"] == ["x": "1"])
            #expect(world.owners(less) == [#"me Apply  {"f:data":{"f:x":{}}}"#])
        }
    }

    @Test func `another owner's value is a conflict that names owner and field`() async throws {
        try await ApplyWorld.run { world in
            let path = "/apis/apps/v1/namespaces/default/deployments/web"
            #expect(try await world.apply(path, Self.deployment, manager: "me").code == 201)
            let scale = try await world.send(
                .patch, path, "application/merge-patch+json", ["spec": ["replicas": 5]], agent: "scaler/1.0 (linux)")
            #expect(scale.code == 200)
            #expect(world.owners(scale).last == #"scaler Update  {"f:spec":{"f:replicas":{}}}"#)
            let conflict = try await world.apply(path, Self.deployment, manager: "me")
            #expect(conflict.code == 409)
            #expect(
                conflict.value["message"]
                    == #"Apply failed with 1 conflict: conflict with "scaler" using apps/v1: .spec.replicas"#)
            #expect(
                conflict.value.at("details", "causes") == [
                    [
                        "reason": "FieldManagerConflict", "message": #"conflict with "scaler" using apps/v1"#,
                        "field": ".spec.replicas",
                    ]
                ])
            let forced = try await world.apply(path + "?force=true", Self.deployment, manager: "me")
            #expect(forced.value.at("spec", "replicas") == 3)
            #expect(world.owners(forced).count == 1)
        }
    }

    /// The set that Kubernetes writes for `kubectl create deployment nginx`.
    @Test func `whoever creates a Deployment owns what Kubernetes says`() async throws {
        try await ApplyWorld.run { world in
            let pod: Value = [
                "metadata": ["labels": ["app": "nginx"]], "spec": ["containers": [["name": "nginx", "image": "nginx"]]],
            ]
            let created = try await world.send(
                .post, "/apis/apps/v1/namespaces/default/deployments", "application/json",
                [
                    "metadata": ["name": "nginx", "labels": ["app": "nginx"]],
                    "spec": ["replicas": 1, "selector": ["matchLabels": ["app": "nginx"]], "template": pod],
                ], agent: "kubectl/v1.36 linux/amd64")
            let container =
                #"k:{\"name\":\"nginx\"}":{".":{},"f:image":{},"f:imagePullPolicy":{},"f:name":{},"f:resources":{},"#
                + #""f:terminationMessagePath":{},"f:terminationMessagePolicy":{}}"#
            #expect(
                world.owners(created) == [
                    #"kubectl Update  {"f:metadata":{"f:labels":{".":{},"f:app":{}}},"f:spec":{"#
                        + #""f:progressDeadlineSeconds":{},"f:replicas":{},"f:revisionHistoryLimit":{},"f:selector":{},"#
                        + #""f:strategy":{"f:rollingUpdate":{".":{},"f:maxSurge":{},"f:maxUnavailable":{}},"f:type":{}},"#
                        + #""f:template":{"f:metadata":{"f:labels":{".":{},"f:app":{}}},"f:spec":{"f:containers":{""#
                        + container + #"},"f:dnsPolicy":{},"f:restartPolicy":{},"f:schedulerName":{},"#
                        + #""f:securityContext":{},"f:terminationGracePeriodSeconds":{}}}}}"#
                ])
        }
    }

    @Test func `status and scale have entries of their own, and the status is not the main endpoint's`() async throws {
        try await ApplyWorld.run { world in
            let path = "/apis/apps/v1/namespaces/default/deployments/web"
            var whole = Self.deployment
            whole[path: ["status", "replicas"]] = 1
            #expect(world.owners(try await world.apply(path, whole, manager: "me"))[0].contains("f:status") == false)
            let status = try await world.send(
                .patch, path + "/status", "application/merge-patch+json", ["status": ["replicas": 2]], agent: "ctl/2")
            #expect(world.owners(status).last == #"ctl Update status {"f:status":{"f:replicas":{}}}"#)
            let scale: Value = ["apiVersion": "autoscaling/v1", "kind": "Scale", "spec": ["replicas": 7]]
            #expect(try await world.apply(path + "/scale", scale, manager: "hpa").code == 409)
            let scaled = try await world.apply(path + "/scale?force=true", scale, manager: "hpa")
            #expect(scaled.value.at("spec", "replicas") == 7)
            let now = try await world.get(path)
            #expect(now.value.at("spec", "replicas") == 7)
            #expect(world.owners(now).contains(#"hpa Apply scale {"f:spec":{"f:replicas":{}}}"#))
        }
    }

    @Test func `clients reset, keep and edit the owners`() async throws {
        try await ApplyWorld.run { world in
            let path = "/api/v1/namespaces/default/configmaps/a"
            _ = try await world.apply(path, Self.configMap(["x": "1"]), manager: "me")
            let before = try await world.get(path)
            // Sent back as it came: nothing happens, the version stays.
            #expect(try await world.send(.put, path, "application/json", before.value).value == before.value)
            // Without the owners, as clients send it that do not know of them.
            var bare = before.value
            bare[path: ["metadata", "managedFields"]] = nil
            #expect(try await world.send(.put, path, "application/json", bare).value == before.value)
            // Edited by a JSON patch, as kubectl does that upgrades from client-side apply.
            var list = before.value.at("metadata", "managedFields")?.array ?? []
            list[0]["manager"] = "you"
            let edited = try await world.send(
                .patch, path, "application/json-patch+json",
                [["op": "replace", "path": "/metadata/managedFields", "value": .array(list)]])
            #expect(world.owners(edited) == [#"you Apply  {"f:data":{"f:x":{}}}"#])
            let reset = try await world.send(
                .patch, path, "application/merge-patch+json", ["metadata": ["managedFields": [[:]]]])
            #expect(reset.value.at("metadata", "managedFields") == nil)
            // What is nobody's stays so until something is applied.
            let changed = try await world.send(.patch, path, "application/merge-patch+json", ["data": ["y": "1"]])
            #expect(world.owners(changed).isEmpty)
            let applied = try await world.apply(path, Self.configMap(["z": "1"]), manager: "me")
            #expect(world.owners(applied).map { $0.prefix(20) } == ["me Apply  {\"f:data\":", "before-first-apply U"])
        }
    }

    @Test func `lists and watches show the owners, in-process readers do not pay for them`() async throws {
        try await ApplyWorld.run { world in
            let path = "/api/v1/namespaces/default/configmaps"
            let created = try await world.apply(path + "/a", Self.configMap(["x": "1"]), manager: "me")
            let list = try await world.get(path)
            let items = list.value["items"]?.array ?? []
            #expect(items.contains { $0.at("metadata", "managedFields") == created.value.at("metadata", "managedFields") })
            let local = try await world.api.server.client().get(Target(.configMaps, namespace: "default", name: "a"))
            #expect(local.value.at("metadata", "managedFields") == nil)
            #expect(local.wholeValue.at("metadata", "managedFields") != nil)
        }
    }

    @Test func `a dry run shows the outcome and writes nothing`() async throws {
        try await ApplyWorld.run { world in
            let path = "/api/v1/namespaces/default/configmaps/a"
            let shown = try await world.apply(path + "?dryRun=All", Self.configMap(["x": "1"]), manager: "me")
            #expect(shown.code == 201)
            #expect(world.owners(shown).count == 1)
            #expect(try await world.get(path).code == 404)
        }
    }

    @Test func `who may not create cannot create by applying`() async throws {
        try await ApplyWorld.run(verbs: ["get", "patch"]) { world in
            let path = "/api/v1/namespaces/default/configmaps/a"
            let refused = try await world.apply(path, Self.configMap(["x": "1"]), manager: "me")
            #expect(refused.code == 403)
            #expect(refused.value["message"]?.string?.contains("cannot create resource \"configmaps\"") == true)
        }
    }

    struct Refusal: Sendable {
        var query: String
        var body: Value
        var code: Int
        var message: String
        var type = "application/apply-patch+yaml"
    }

    @Test(arguments: [
        Refusal(
            query: "", body: configMap([:]), code: 422,
            message: "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch"),
        Refusal(
            query: "?force=true", body: ["data": ["x": "1"]], code: 422,
            message: "PatchOptions.meta.k8s.io \"\" is invalid: force: Forbidden: may not be specified for non-apply patch",
            type: "application/merge-patch+json"),
        Refusal(
            query: "?fieldManager=me", body: ["apiVersion": "v1", "kind": "ConfigMap", "nope": 1, "metadata": ["name": "a"]],
            code: 500,
            message: "failed to create typed patch object (/a; /v1, Kind=ConfigMap): .nope: field not declared in schema"),
        Refusal(
            query: "?fieldManager=me", body: ["apiVersion": "v1", "kind": "Secret"], code: 400,
            message: "invalid object type: /v1, Kind=Secret"),
        Refusal(
            query: "?fieldManager=me", body: ["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["managedFields": []]],
            code: 400, message: "metadata.managedFields must be nil"),
        Refusal(
            query: "?fieldManager=me", body: ["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "b"]],
            code: 400, message: "the name of the object (b) does not match the name on the URL (a)"),
        Refusal(
            query: "?fieldManager=me",
            body: ["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "a", "namespace": "b"]],
            code: 400,
            message: "the namespace of the object (b) does not match the namespace on the request (default)"),
    ])
    func `what cannot be applied is told why`(refusal: Refusal) async throws {
        try await ApplyWorld.run { world in
            let answer = try await world.send(
                .patch, "/api/v1/namespaces/default/configmaps/a" + refusal.query, refusal.type, refusal.body)
            #expect(answer.code == refusal.code)
            #expect(answer.value["message"] == .string(refusal.message))
        }
    }

    private static func configMap(_ data: [String: String]) -> Value {
        ["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "a"], "data": Value(data)]
    }

    private static let deployment: Value = [
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": "web"],
        "spec": [
            "replicas": 3, "selector": ["matchLabels": ["app": "web"]],
            "template": [
                "metadata": ["labels": ["app": "web"]], "spec": ["containers": [["name": "c", "image": "nginx"]]],
            ],
        ],
    ]
}
