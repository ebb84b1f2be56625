import APIMachinery
import Testing
import Wire

@testable import APIServer

/// Custom resources over HTTP, from their definition to their end.
@Suite(.timeLimit(.minutes(2))) struct CustomResourceTests {
    private static let schema = CronTab.schema([
        "cronSpec": ["type": "string", "pattern": #"^(\d+|\*)(/\d+)?(\s+(\d+|\*)(/\d+)?){4}$"#],
        "replicas": ["type": "integer", "minimum": 1, "maximum": 10, "default": 3],
        "image": ["type": "string"],
    ])

    private static let full = CronTab.version(
        "v1", schema,
        [
            "subresources": [
                "status": [:],
                "scale": ["specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"],
            ],
            "additionalPrinterColumns": [
                ["name": "Spec", "type": "string", "jsonPath": ".spec.cronSpec"],
                ["name": "Replicas", "type": "integer", "jsonPath": ".spec.replicas"],
                ["name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"],
            ],
            "selectableFields": [["jsonPath": ".spec.image"]],
        ])

    @Test func `a definition becomes a kind that is served as its schema says`() async throws {
        try await TestAPI.run { api in
            let tabs = try await CronTab(api)
            #expect(try await tabs.ask(.get, CronTab.path).code == 404)
            try await tabs.define(CronTab.definition([Self.full]))
            let created = try await tabs.ask(
                .post, CronTab.path + "?fieldValidation=Ignore",
                CronTab.object("a", ["cronSpec": "* * * * */5", "colour": "blue"]))
            #expect(created.code == 201)
            #expect(created.value["spec"] == ["cronSpec": "* * * * */5", "replicas": 3])
            #expect(created.value.at("metadata", "generation") == 1)
            let refused = try await tabs.ask(
                .post, CronTab.path, CronTab.object("b", ["cronSpec": "*", "replicas": 15]))
            #expect(refused.code == 422)
            let message = refused.value["message"]?.string ?? ""
            #expect(
                message.contains(
                    "spec.replicas: Invalid value: 15: spec.replicas in body should be less than or equal to 10"))
            #expect(message.contains(#"spec.cronSpec in body should match '^(\d+|\*)"#))
            let strict = try await tabs.ask(
                .post, CronTab.path + "?fieldValidation=Strict", CronTab.object("b", ["colour": "blue"]))
            #expect(strict.code == 400)
            #expect(strict.value["message"]?.string?.contains(#"unknown field "spec.colour""#) == true)
            let wrong = try await tabs.ask(.post, CronTab.path, CronTab.object("b", ["replicas": "many"]))
            let causes = wrong.value.at("details", "causes")?.array?.map { $0["message"]?.string ?? "" }
            #expect(
                causes == [
                    #"Invalid value: "string": spec.replicas in body must be of type integer: "string""#,
                    "Invalid value: 0: .spec.replicas accessor error: many is of the type string, expected int64",
                ])
        }
    }

    @Test func `an object says what it is, or is refused`() async throws {
        try await TestAPI.run { api in
            let tabs = try await CronTab(api)
            try await tabs.define(CronTab.definition([Self.full]))
            let whole = CronTab.object("a", [:])
            let cannot = "CronTab in version \"v1\" cannot be handled as a CronTab: Object 'Kind' is missing in '"
            let mismatch = " does not match the expected API version (stable.example.com/v1)"
            for (field, value, message) in [
                ("kind", nil, cannot), ("kind", "", cannot),
                ("apiVersion", nil, "the API version in the data ()" + mismatch),
                ("apiVersion", "stable.example.com/v3", "the API version in the data (stable.example.com/v3)" + mismatch),
            ] as [(String, Value?, String)] {
                var object = whole
                object[field] = value
                let answer = try await tabs.ask(.post, CronTab.path, object)
                #expect(answer.code == 400)
                #expect(answer.value["message"]?.string?.hasPrefix(message) == true, "\(answer.value)")
            }
            #expect(try await tabs.ask(.post, CronTab.path, whole).code == 201)
        }
    }

    @Test func `what is on its way when its definition begins to go does not come any more`() async throws {
        let (asked, isAsked) = AsyncStream.makeStream(of: Void.self)
        let (marked, isMarked) = AsyncStream.makeStream(of: Void.self)
        try await TestWebhook.run(answer: { _, body in
            let uid = try Value(json: body).at("request", "uid") ?? ""
            isAsked.yield()
            for await _ in marked { break }
            let answer: Value = [
                "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
                "response": ["uid": uid, "allowed": true],
            ]
            return (200, answer.json)
        }) { hook in
            try await TestAPI.run { api in
                let tabs = try await CronTab(api)
                try await tabs.define(CronTab.definition([Self.full]))
                let made = try await tabs.ask(
                    .post, "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations",
                    [
                        "metadata": ["name": "slow"],
                        "webhooks": [
                            [
                                "name": "slow.example.com", "sideEffects": "None", "admissionReviewVersions": ["v1"],
                                "clientConfig": hook.clientConfig(),
                                "rules": [
                                    [
                                        "operations": ["CREATE"], "apiGroups": [.string(CronTab.group)],
                                        "apiVersions": ["*"], "resources": ["crontabs"],
                                    ]
                                ],
                            ]
                        ],
                    ])
                #expect(made.code == 201)
                async let created = tabs.ask(.post, CronTab.path, CronTab.object("late", [:]))
                for await _ in asked { break }
                _ = try await tabs.ask(.delete, CronTab.definitions + "/" + CronTab.name)
                isMarked.yield()
                #expect(try await created.code == 405)
                try await tabs.wait(CronTab.name) { $0 == nil }
            }
        }
    }

    @Test func `status and scale have endpoints of their own`() async throws {
        try await TestAPI.run { api in
            let tabs = try await CronTab(api)
            try await tabs.define(CronTab.definition([Self.full]))
            var object = try await tabs.ask(.post, CronTab.path, CronTab.object("a", ["replicas": 2])).value
            object["status"] = ["replicas": 2]
            object[path: ["spec", "replicas"]] = 9
            let updated = try await tabs.ask(.put, CronTab.path + "/a/status", object)
            #expect(updated.code == 200)
            #expect(updated.value.at("spec", "replicas") == 2)
            #expect(updated.value.at("metadata", "generation") == 1)
            let scale = try await tabs.ask(.get, CronTab.path + "/a/scale")
            #expect(scale.value["kind"] == "Scale")
            #expect(scale.value.at("status", "replicas") == 2)
            let scaled = try await tabs.ask(
                .patch, CronTab.path + "/a/scale", ["spec": ["replicas": 5]],
                ["Content-Type": "application/merge-patch+json"])
            #expect(scaled.value.at("spec", "replicas") == 5)
            let after = try await tabs.ask(.get, CronTab.path + "/a").value
            #expect(after.at("spec", "replicas") == 5)
            #expect(after.at("metadata", "generation") == 2)
            let noVersion = try await tabs.ask(.put, CronTab.path + "/a", CronTab.object("a", [:]))
            #expect(noVersion.code == 422)
            #expect(
                noVersion.value["message"]?.string
                    == "crontabs.\(CronTab.group) \"a\" is invalid: metadata.resourceVersion: Invalid value: 0x0: "
                    + "must be specified for an update")
            var idle = CronTab.object("idle", [:])
            idle["spec"] = nil
            #expect(try await tabs.ask(.post, CronTab.path, idle).code == 201)
            let absent = try await tabs.ask(.get, CronTab.path + "/idle/scale")
            #expect(absent.code == 500)
            #expect(
                absent.value["message"]?.string
                    == "Internal error occurred: the spec replicas field \".spec.replicas\" does not exist")
        }
    }

    @Test func `patches, tables, selections and media types are those of custom resources`() async throws {
        try await TestAPI.run { api in
            let tabs = try await CronTab(api)
            try await tabs.define(CronTab.definition([Self.full]))
            _ = try await tabs.ask(.post, CronTab.path, CronTab.object("a", ["image": "one"]))
            _ = try await tabs.ask(.post, CronTab.path, CronTab.object("b", ["image": "two"]))
            let strategic = try await tabs.ask(
                .patch, CronTab.path + "/a", ["spec": ["image": "x"]],
                ["Content-Type": "application/strategic-merge-patch+json"])
            #expect(strategic.code == 415)
            let json = try await tabs.ask(
                .patch, CronTab.path + "/a", [["op": "replace", "path": "/spec/replicas", "value": 7]],
                ["Content-Type": "application/json-patch+json"])
            #expect(json.value.at("spec", "replicas") == 7)
            let selected = try await tabs.ask(.get, CronTab.path + "?fieldSelector=spec.image%3Dtwo")
            #expect(selected.value["items"]?.array?.map { $0.at("metadata", "name") } == ["b"])
            #expect(try await tabs.ask(.get, CronTab.path + "?fieldSelector=spec.other%3Dx").code == 400)
            let table = try await tabs.ask(
                .get, CronTab.path, nil, ["Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"])
            #expect(
                table.value["columnDefinitions"]?.array?.compactMap { $0["name"]?.string }
                    == ["Name", "Spec", "Replicas", "Age"])
            #expect(
                table.value["columnDefinitions"]?.array?[1]["description"]
                    == "Custom resource definition column (in JSONPath format): .spec.cronSpec")
            #expect(table.value["rows"]?.array?.first?["cells"]?.array?.prefix(3) == ["a", .null, 7])
            let protobuf = try await tabs.ask(
                .get, CronTab.path, nil, ["Accept": "application/vnd.kubernetes.protobuf"])
            #expect(protobuf.code == 406)
        }
    }

    @Test func `discovery and OpenAPI follow definitions`() async throws {
        try await TestAPI.run { api in
            let tabs = try await CronTab(api)
            #expect(try await tabs.ask(.get, "/apis/stable.example.com/v1").code == 404)
            let before = try await tabs.ask(.get, "/openapi/v3").value
            try await tabs.define(CronTab.definition([Self.full]))
            let resources = try await tabs.ask(.get, "/apis/stable.example.com/v1").value["resources"]?.array ?? []
            #expect(resources.compactMap { $0["name"]?.string } == ["crontabs", "crontabs/status", "crontabs/scale"])
            #expect(resources.first?["shortNames"] == ["ct"])
            #expect(resources.first?["categories"] == ["all"])
            let index = try await tabs.ask(.get, "/openapi/v3").value
            let path = ["paths", "apis/stable.example.com/v1", "serverRelativeURL"]
            #expect(before[path: path] == nil)
            let url = try #require(index[path: path]?.string)
            let document = try await tabs.ask(.get, url).value
            let schema = try #require(document.at("components", "schemas", "com.example.stable.v1.CronTab"))
            #expect(schema.at("properties", "spec", "properties", "replicas", "maximum") == 10)
            _ = try await tabs.ask(
                .patch, CronTab.definitions + "/" + CronTab.name,
                [
                    [
                        "op": "remove",
                        "path": "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/image",
                    ],
                    ["op": "remove", "path": "/spec/versions/0/selectableFields"],
                ],
                ["Content-Type": "application/json-patch+json"])
            _ = try await tabs.ask(.delete, CronTab.definitions + "/" + CronTab.name)
            try await tabs.wait(CronTab.name) { $0 == nil }
        }
    }

    @Test func `a definition that is deleted takes its objects along, and comes back empty`() async throws {
        try await TestAPI.run { api in
            let tabs = try await CronTab(api)
            try await tabs.define(CronTab.definition([Self.full]))
            for index in 0..<50 {
                _ = try await tabs.ask(.post, CronTab.path, CronTab.object("tab-\(index)", [:]))
            }
            var held = CronTab.object("held", [:])
            held[path: ["metadata", "finalizers"]] = ["hold.example.com"]
            let made = try await tabs.ask(.post, CronTab.path, held)
            #expect(made.code == 201, "\(made.value)")
            let watch = try await api.send(.get, CronTab.path + "?watch=true", token: tabs.token)
            let going = try await tabs.ask(.delete, CronTab.definitions + "/" + CronTab.name)
            #expect(going.value.at("metadata", "finalizers") == [.string(CustomDefinition.cleanupFinalizer)])
            let late = try await tabs.ask(.get, CronTab.path)
            #expect(late.code == 200)
            try await tabs.wait(CronTab.name) { object in
                object?.at("status", "conditions")?.array?.contains { $0["reason"] == "InstanceDeletionInProgress" }
                    ?? false
            }
            let free = try await tabs.ask(
                .patch, CronTab.path + "/held", ["metadata": ["finalizers": []]],
                ["Content-Type": "application/merge-patch+json"])
            #expect(free.code == 200, "\(free.value)")
            try await tabs.wait(CronTab.name) { $0 == nil }
            // Who watches sees each object go, and then the end.
            let seen = String(decoding: try await watch.body.collect(limit: 1 << 22), as: UTF8.self)
            #expect(seen.split(separator: "\n").count { $0.contains("\"type\":\"DELETED\"") } == 51)
            try await tabs.define(CronTab.definition([Self.full]))
            #expect(try await tabs.ask(.get, CronTab.path).value["items"] == [])
        }
    }

    @Test func `the second of two kinds of one name is not served until the name is free`() async throws {
        try await TestAPI.run { api in
            let tabs = try await CronTab(api)
            try await tabs.define(CronTab.definition([Self.full]))
            var other = CronTab.definition(
                [CronTab.version("v1", Self.schema)],
                ["names": ["plural": "tabs", "singular": "tab", "kind": "CronTab", "listKind": "TabList"]])
            other[path: ["metadata", "name"]] = "tabs.stable.example.com"
            #expect(try await tabs.ask(.post, CronTab.definitions, other).code == 201)
            try await tabs.wait("tabs.stable.example.com") { object in
                let condition = object?.at("status", "conditions")?.array?.first { $0["type"] == "NamesAccepted" }
                return condition?["reason"] == "KindConflict"
            }
            #expect(try await tabs.ask(.get, "/apis/stable.example.com/v1/namespaces/default/tabs").code == 404)
            _ = try await tabs.ask(.delete, CronTab.definitions + "/" + CronTab.name)
            try await tabs.wait("tabs.stable.example.com") { object in
                object?.at("status", "conditions")?.array?.contains {
                    $0["type"] == "Established" && $0["status"] == "True"
                } ?? false
            }
            #expect(try await tabs.ask(.get, "/apis/stable.example.com/v1/namespaces/default/tabs").code == 200)
        }
    }

    @Test func `a new default shows in objects that were stored before, and a known fault may stay`() async throws {
        try await TestAPI.run { api in
            let tabs = try await CronTab(api)
            try await tabs.define(
                CronTab.definition([CronTab.version("v1", CronTab.schema(["image": ["type": "string"]]))]))
            _ = try await tabs.ask(.post, CronTab.path, CronTab.object("a", ["image": "long enough"]))
            let patch: Value = [
                [
                    "op": "replace", "path": "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties",
                    "value": [
                        "image": ["type": "string", "maxLength": 4], "level": ["type": "integer", "default": 2],
                    ],
                ]
            ]
            let changed = try await tabs.ask(
                .patch, CronTab.definitions + "/" + CronTab.name, patch, ["Content-Type": "application/json-patch+json"]
            )
            #expect(changed.code == 200, "\(changed.value)")
            try await tabs.settle()
            let object = try await tabs.ask(.get, CronTab.path + "/a").value
            #expect(object["spec"] == ["image": "long enough", "level": 2])
            let patched = try await tabs.ask(
                .patch, CronTab.path + "/a", ["spec": ["level": 3]], ["Content-Type": "application/merge-patch+json"])
            #expect(patched.code == 200)
            let worse = try await tabs.ask(
                .patch, CronTab.path + "/a", ["spec": ["image": "also too long"]],
                ["Content-Type": "application/merge-patch+json"])
            #expect(worse.code == 422)
        }
    }

    @Test func `a default fills in what is not stored, for as long as it is one`() async throws {
        try await TestAPI.run { api in
            let tabs = try await CronTab(api)
            // In canonical form the first of them comes before all other fields.
            try await tabs.define(
                CronTab.definition([
                    CronTab.version(
                        "v1", ["type": "object", "properties": ["a": ["type": "string"], "z": ["type": "string"]]])
                ]))
            let properties = "/spec/versions/0/schema/openAPIV3Schema/properties/"
            func change(_ patch: Value, before kind: String) async throws {
                let changed = try await tabs.ask(
                    .patch, CronTab.definitions + "/" + CronTab.name, patch,
                    ["Content-Type": "application/json-patch+json"])
                #expect(changed.code == 200, "\(changed.value)")
                try await tabs.settle(kind)
            }
            func fields(_ name: String) async throws -> [Value?] {
                let object = try await tabs.ask(.get, CronTab.path + "/" + name).value
                return [object["a"], object["z"]]
            }
            _ = try await tabs.ask(.post, CronTab.path, CronTab.object("before", [:]))
            try await change([["op": "add", "path": .string(properties + "a/default"), "value": "A"]], before: "one")
            #expect(try await fields("before") == ["A", nil])
            _ = try await tabs.ask(.post, CronTab.path, CronTab.object("after", [:]))
            let second: Value = [
                ["op": "remove", "path": .string(properties + "a/default")],
                ["op": "add", "path": .string(properties + "z/default"), "value": "Z"],
            ]
            try await change(second, before: "two")
            #expect(try await fields("before") == [nil, "Z"])
            #expect(try await fields("after") == ["A", "Z"])
        }
    }

    @Test func `rules in CEL refuse objects, and faults of old come as warnings`() async throws {
        try await TestAPI.run { api in
            let tabs = try await CronTab(api)
            var schema = CronTab.schema([
                "low": ["type": "integer"], "high": ["type": "integer"], "note": ["type": "string"],
            ])
            let spec = ["properties", "spec", "x-kubernetes-validations"]
            try await tabs.define(CronTab.definition([CronTab.version("v1", schema)]))
            _ = try await tabs.ask(.post, CronTab.path, CronTab.object("old", ["low": 5, "high": 1]))
            schema[path: spec] = [["rule": "self.low <= self.high"]]
            let replaced = try await tabs.ask(
                .patch, CronTab.definitions + "/" + CronTab.name,
                [["op": "replace", "path": "/spec/versions/0/schema/openAPIV3Schema", "value": schema]],
                ["Content-Type": "application/json-patch+json"])
            #expect(replaced.code == 200, "\(replaced.value)")
            try await tabs.settle()
            let refused = try await tabs.ask(.post, CronTab.path, CronTab.object("new", ["low": 5, "high": 1]))
            #expect(
                refused.value["message"]
                    == "CronTab.stable.example.com \"new\" is invalid: spec: Invalid value: failed rule: self.low <= self.high"
            )
            let labelled = try await api.send(
                .patch, CronTab.path + "/old", token: tabs.token,
                headers: ["Content-Type": "application/merge-patch+json"], body: ["metadata": ["labels": ["a": "b"]]])
            #expect(labelled.status.code == 200)
            #expect(labelled.headers["Warning"]?.contains("failed rule: self.low <= self.high") == true)
            let worse = try await tabs.ask(
                .patch, CronTab.path + "/old", ["spec": ["note": "x"]], ["Content-Type": "application/merge-patch+json"]
            )
            #expect(worse.code == 422)
            schema[path: spec] = [["rule": "self.lowest <= self.high"]]
            let broken = try await tabs.ask(
                .patch, CronTab.definitions + "/" + CronTab.name,
                [["op": "replace", "path": "/spec/versions/0/schema/openAPIV3Schema", "value": schema]],
                ["Content-Type": "application/json-patch+json"])
            #expect(broken.code == 422)
        }
    }

    @Test func `who adds a finalizer that others could choose too is warned once`() async throws {
        try await TestAPI.run { api in
            let tabs = try await CronTab(api)
            try await tabs.define(CronTab.definition([CronTab.version("v1", CronTab.schema(["note": ["type": "string"]]))]))
            var object = CronTab.object("a", [:])
            object[path: ["metadata", "finalizers"]] = ["tabs.example.com", "example.com/tabs", "orphan"]
            func warnings(_ method: HTTPMethod, _ path: String, _ type: String, _ body: Value) async throws -> [String] {
                let answer = try await api.send(
                    method, path, token: tabs.token, headers: ["Content-Type": type], body: body)
                #expect(answer.status.code < 300)
                return answer.headers.values(of: "Warning")
            }
            func warning(_ name: String) -> String {
                #"299 - "metadata.finalizers: \"\#(name)\": prefer a domain-qualified finalizer name including a path "#
                    + #"(/) to avoid accidental conflicts with other finalizer writers""#
            }
            let made = try await warnings(.post, CronTab.path, "application/json", object)
            #expect(made == [warning("tabs.example.com")])
            let merge = "application/merge-patch+json"
            let noted = try await warnings(.patch, CronTab.path + "/a", merge, ["spec": ["note": "x"]])
            #expect(noted == [])
            let more: Value = ["metadata": ["finalizers": ["tabs.example.com", "mine"]]]
            #expect(try await warnings(.patch, CronTab.path + "/a", merge, more) == [warning("mine")])
            _ = try await warnings(.patch, CronTab.path + "/a", merge, ["metadata": ["finalizers": .null]])
        }
    }

    @Test func `a definition of what the server brings along changes nothing`() async throws {
        try await TestAPI.run { api in
            let tabs = try await CronTab(api)
            let path = "/apis/networking.k8s.io/v1/namespaces/default/ingresses"
            let ingress: Value = [
                "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": ["name": "a"],
                "spec": ["defaultBackend": ["service": ["name": "s", "port": ["number": 80]]]],
            ]
            #expect(try await tabs.ask(.post, path, ingress).code == 201)
            for (group, plural, kind) in [
                ("networking.k8s.io", "ingresses", "Ingress"), ("coordination.k8s.io", "leases", "Lease"),
                ("apiextensions.k8s.io", "customresourcedefinitions", "CustomResourceDefinition"),
            ] {
                let names: Value = ["plural": .string(plural), "singular": .string(kind.lowercased()), "kind": .string(kind)]
                var definition = CronTab.definition([CronTab.version("v1", CronTab.schema([:]))], ["names": names])
                definition[path: ["spec", "group"]] = .string(group)
                definition["metadata"] = [
                    "name": .string("\(plural).\(group)"), "annotations": ["api-approved.kubernetes.io": "unapproved"],
                ]
                try await tabs.define(definition)
            }
            #expect(try await tabs.ask(.get, path + "/a").value.at("spec", "defaultBackend") != nil)
            _ = try await tabs.ask(.delete, CronTab.definitions + "/ingresses.networking.k8s.io")
            try await tabs.wait("ingresses.networking.k8s.io") { $0 == nil }
            #expect(try await tabs.ask(.get, path + "/a").code == 200)
        }
    }
}
