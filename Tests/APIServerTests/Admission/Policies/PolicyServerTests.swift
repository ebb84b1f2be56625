import API
import APIMachinery
import Client
import Testing
import Wire

@testable import APIServer

/// Policies in whole servers.
@Suite(.timeLimit(.minutes(5))) struct PolicyServerTests {
    private static func policy(_ name: String, _ group: String, _ resource: String, _ spec: Value) -> Value {
        var spec = spec
        spec["matchConstraints"] = [
            "resourceRules": [
                [
                    "operations": ["CREATE", "UPDATE"], "apiGroups": [.string(group)], "apiVersions": ["v1"],
                    "resources": [.string(resource)],
                ]
            ]
        ]
        return ["metadata": ["name": .string(name)], "spec": spec]
    }

    private static func binding(_ policy: String, _ more: Value = ["validationActions": ["Deny"]]) -> Value {
        var spec = more
        spec["policyName"] = .string(policy)
        return ["metadata": ["name": .string(policy)], "spec": spec]
    }

    private static let path = "/api/v1/namespaces/default/configmaps"
    private static let rules: [Value] = [["apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]]]

    /// Has a mutating policy give ConfigMaps the labels that an expression makes.
    private func label(_ client: LocalClient, _ labels: String) async throws {
        let expression = "[JSONPatch{op: 'add', path: '/metadata/labels', value: \(labels)}]"
        _ = try await client.create(
            Target(.mutatingAdmissionPolicies),
            Self.policy(
                "mark", "", "configmaps",
                [
                    "failurePolicy": "Fail", "reinvocationPolicy": "Never",
                    "mutations": [["patchType": "JSONPatch", "jsonPatch": ["expression": .string(expression)]]],
                ]), WriteOptions())
        _ = try await client.create(
            Target(.mutatingAdmissionPolicyBindings), Self.binding("mark", [:]), WriteOptions())
    }

    @Test func `a validating policy refuses, and says so as Kubernetes does`() async throws {
        try await TestAPI.run { api in
            let client = api.server.client()
            _ = try await client.create(
                Target(.validatingAdmissionPolicies),
                Self.policy(
                    "sizes", "", "configmaps",
                    ["validations": [["expression": "!has(object.data) || object.data.size() < 2", "message": "too large"]]]),
                WriteOptions())
            _ = try await client.create(
                Target(.validatingAdmissionPolicyBindings), Self.binding("sizes"), WriteOptions())
            let token = try await api.token("me", rules: Self.rules)
            let small: Value = ["metadata": ["name": "small"], "data": ["a": "1"]]
            #expect(try await api.ask(.post, Self.path, token: token, body: small).code == 201)
            let large: Value = ["metadata": ["name": "large"], "data": ["a": "1", "b": "2"]]
            let answer = try await api.ask(.post, Self.path, token: token, body: large)
            #expect(answer.code == 422)
            let status = try #require(Status(try Value(json: Array(answer.text.utf8))))
            #expect(status.reason == .invalid)
            let text = "ValidatingAdmissionPolicy 'sizes' with binding 'sizes' denied request: too large"
            #expect(status.message == "configmaps \"large\" is forbidden: " + text)
            #expect(status.details?.causes.map(\.message) == [text])
            _ = try await client.delete(Target(.validatingAdmissionPolicyBindings, name: "sizes"), DeletionOptions())
            #expect(try await api.ask(.post, Self.path, token: token, body: large).code == 201)
        }
    }

    @Test(arguments: [("name", "given", "given"), ("generateName", "", "made-")])
    func `a creation has its name, or one that is made in between`(
        field: String, early: String, late: String
    ) async throws {
        try await TestAPI.run { api in
            let client = api.server.client()
            let name = "has(request.name) ? request.name : ''"
            try await label(client, "{'early': \(name)}")
            _ = try await client.create(
                Target(.validatingAdmissionPolicies),
                Self.policy(
                    "names", "", "configmaps",
                    ["validations": [["expression": .string("request.name.startsWith('\(late)')")]]]),
                WriteOptions())
            _ = try await client.create(
                Target(.validatingAdmissionPolicyBindings), Self.binding("names"), WriteOptions())
            let token = try await api.token("me", rules: Self.rules)
            let answer = try await api.ask(.post, Self.path, token: token, body: ["metadata": [field: .string(late)]])
            #expect(answer.code == 201, "\(answer.text)")
            let made = try Value(json: Array(answer.text.utf8))
            #expect(made.at("metadata", "labels", "early")?.string == early)
            #expect(made.at("metadata", "name")?.string?.hasPrefix(late) == true)
        }
    }

    @Test func `a mutating policy changes what is written`() async throws {
        try await TestAPI.run { api in
            let client = api.server.client()
            try await label(client, "{'by': request.operation}")
            let made = try await client.create(
                Target(.configMaps, namespace: "default"), ["metadata": ["name": "m"]], WriteOptions())
            #expect(made.labels["by"] == "CREATE")
        }
    }

    /// What is applied, and the labels and arguments of the pod that is created, or the refusal's end.
    @Test(arguments: [
        (
            "Object{metadata: Object.metadata{labels: {'added': 'yes'}}}", nil
        ),
        (
            "Object{spec: Object.spec{containers: [Object.spec.containers{name: 'c', image: 'other'}]}}", nil
        ),
        (
            "Object{spec: Object.spec{containers: [Object.spec.containers{name: 'c', args: ['x']}]}}",
            "error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: "
                + ".spec.containers[0].args"
        ),
        (
            "Object{spec: Object.spek{}}",
            "type mismatch: unexpected type name \"Object.spek\", expected \"Object.spec\", which matches field name "
                + "path from root Object type"
        ),
        (
            "Object{spec: Object.spec{nothing: 1}}",
            "error applying patch: failed to convert patch object to typed object: .spec.nothing: field not declared in "
                + "schema"
        ),
    ] as [(String, String?)])
    func `a mutating policy applies a configuration`(source: String, problem: String?) async throws {
        try await TestAPI.run { api in
            let client = api.server.client()
            let mutation: Value = [
                "patchType": "ApplyConfiguration", "applyConfiguration": ["expression": .string(source)],
            ]
            _ = try await client.create(
                Target(.mutatingAdmissionPolicies),
                Self.policy(
                    "apply", "", "pods",
                    ["failurePolicy": "Fail", "reinvocationPolicy": "Never", "mutations": [mutation]]), WriteOptions())
            _ = try await client.create(
                Target(.mutatingAdmissionPolicyBindings), Self.binding("apply", [:]), WriteOptions())
            _ = try await client.create(
                Target(.serviceAccounts, namespace: "default"), ["metadata": ["name": "default"]], WriteOptions())
            let pod: Value = [
                "metadata": ["name": "p", "labels": ["own": "1"]],
                "spec": ["containers": [["name": "c", "image": "i", "args": ["a"]]]],
            ]
            do throws(Status) {
                let made = try await client.create(Target(.pods, namespace: "default"), pod, WriteOptions())
                #expect(problem == nil)
                let container = made.value.at("spec", "containers")?.array?.first
                #expect(container?["args"] == ["a"])
                let isLabelled = source.contains("labels")
                #expect(made.labels["own"] == "1")
                #expect((made.labels["added"] == "yes") == isLabelled)
                #expect(container?["image"] == (isLabelled ? "i" : "other"))
            } catch {
                #expect(error.message == "policy 'apply' with binding 'apply' denied request: \(problem ?? "")")
            }
        }
    }

    @Test func `expressions that do not compile are refused when they are written`() async throws {
        try await TestAPI.run { api in
            let token = try await api.token("me", rules: Self.rules)
            let body = Self.policy(
                "bad", "", "configmaps",
                [
                    "matchConditions": [["name": "c", "expression": "request.name"]],
                    "variables": [["name": "v", "expression": "object.x"]],
                    "validations": [
                        ["expression": "object.", "messageExpression": "1"],
                        ["expression": "variables.w == 1 && params.x == 1"],
                    ],
                    "auditAnnotations": [["key": "k", "valueExpression": "1"]],
                ])
            let answer = try await api.ask(
                .post, "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies", token: token, body: body)
            #expect(answer.code == 422)
            let status = try #require(Status(try Value(json: Array(answer.text.utf8))))
            let causes = status.details?.causes ?? []
            #expect(
                causes.map(\.field) == [
                    "spec.matchConditions[0].expression", "spec.validations[0].expression",
                    "spec.validations[0].messageExpression", "spec.validations[1].expression",
                    "spec.auditAnnotations[0].valueExpression",
                ])
            #expect(causes.first?.message == "Invalid value: \"request.name\": must evaluate to bool but got string")
            #expect(
                causes.dropFirst(3).first?.message.contains(
                    "compilation failed: ERROR: <input>:1:10: undefined field 'w'\n") == true)
            #expect(causes.last?.message.contains("must evaluate to one of [string null]") == true)
        }
    }

    /// The status of a policy once it is as wanted.
    private static func status(
        of name: String, on api: TestAPI, when isWanted: @Sendable (Value) -> Bool
    ) async throws -> Value {
        let set = try await api.server.client().observe(.validatingAdmissionPolicies, .all)
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
        let observation = set.observe { _ in continuation.yield() }
        defer { observation.cancel() }
        for await _ in stream {
            if let status = set.get(ObjectName(name: name))?.value["status"], isWanted(status) { return status }
        }
        throw Unexpected("the stream ended")
    }

    private static func typed(_ group: String, _ resource: String) -> Value {
        policy(
            "typed", group, resource,
            [
                "validations": [
                    ["expression": "object.spec.replicas > 0"], ["expression": "object.spec.replica > 0"],
                ]
            ])
    }

    @Test func `the status warns of fields that are not there`() async throws {
        try await TestAPI.run { api in
            _ = try await api.server.client().create(
                Target(.validatingAdmissionPolicies), Self.typed("apps", "deployments"), WriteOptions())
            let status = try await Self.status(of: "typed", on: api) { $0["observedGeneration"] != nil }
            #expect(status["observedGeneration"] == 1)
            let warnings = status.at("typeChecking", "expressionWarnings")?.array ?? []
            #expect(warnings.map { $0["fieldRef"] } == ["spec.validations[1].expression"])
            #expect(
                warnings.first?["warning"]?.string
                    == "apps/v1, Kind=Deployment: ERROR: <input>:1:12: undefined field 'replica'\n"
                    + " | object.spec.replica > 0\n | ...........^\n")
        }
    }

    @Test func `the warnings follow the definitions of custom resources`() async throws {
        try await TestAPI.run { api in
            _ = try await api.server.client().create(
                Target(.validatingAdmissionPolicies), Self.typed(CronTab.group, "crontabs"), WriteOptions())
            let none = try await Self.status(of: "typed", on: api) { $0["observedGeneration"] != nil }
            #expect(none["typeChecking"] == .emptyObject)
            let tabs = try await CronTab(api)
            let schema = CronTab.schema(["replicas": ["type": "integer"]])
            try await tabs.define(CronTab.definition([CronTab.version("v1", schema)]))
            @Sendable func fields(_ status: Value) -> [String] {
                (status.at("typeChecking", "expressionWarnings")?.array ?? []).compactMap { $0["fieldRef"]?.string }
            }
            _ = try await Self.status(of: "typed", on: api) { fields($0) == ["spec.validations[1].expression"] }
            _ = try await tabs.ask(.delete, CronTab.definitions + "/" + CronTab.name)
            _ = try await Self.status(of: "typed", on: api) { fields($0).isEmpty }
        }
    }
}
