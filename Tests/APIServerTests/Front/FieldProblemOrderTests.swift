import APIMachinery
import APIServer
import Client
import Testing
import Wire

/// In which order requests are told of unknown and duplicate fields: clients' tests compare whole texts.
@Suite(.timeLimit(.minutes(5))) struct FieldProblemOrderTests {
    private static let all: Value = ["apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]]
    private static let deployments = "/apis/apps/v1/namespaces/default/deployments"
    private static let merge = "application/merge-patch+json"
    private static let steps = "application/json-patch+json"

    /// What is sent, and what is said of it: in an error with commas between, in warnings one by one.
    private struct Case: Sendable {
        var method = HTTPMethod.patch
        var path: String
        var type: String
        var body: String
        var problems: [String]
    }

    private static func check(_ item: Case, _ api: TestAPI, _ token: String) async throws {
        func send(_ mode: String) async throws -> (code: Int, message: String, warnings: [String]) {
            let response = try await api.send(
                item.method, item.path + "?dryRun=All&fieldValidation=" + mode, token: token,
                headers: ["Content-Type": item.type], text: item.body)
            let text = try await response.body.collect(limit: 1 << 20)
            return (
                response.status.code, (try? Value(json: text))?["message"]?.string ?? "",
                response.headers.values(of: "Warning")
            )
        }
        let strict = try await send("Strict")
        let error = "strict decoding error: " + item.problems.joined(separator: ", ")
        #expect(strict.code == (item.method == .patch ? 422 : 400), "\(item.path) \(item.type)")
        #expect(strict.message.hasSuffix(error), "\(item.path) \(item.type): \(strict.message)")
        let warned = try await send("Warn")
        #expect(warned.code < 300, "\(warned.message)")
        let warnings = item.problems.map { "299 - \"" + $0.replacing("\"", with: "\\\"") + "\"" }
        #expect(warned.warnings == warnings, "\(item.path) \(item.type)")
        #expect(try await send("Ignore").warnings == [])
    }

    // MARK: Built-in kinds

    private static func deployment(_ name: String) -> String {
        #"""
        {"apiVersion":"apps/v1","kind":"Deployment",
         "metadata":{"name":"other","name":"\#(name)","labels":{"app":"a"},"unknownMeta":"v"},
         "spec":{"unknown1":"v","unknownDupe":"v","unknownDupe":"w","paused":true,"paused":false,
          "selector":{"matchLabels":{"app":"a"}},
          "template":{"metadata":{"labels":{"app":"a"}},
           "spec":{"containers":[{"name":"c","image":"i","unknownNested":{"in":1,"in":2},
            "imagePullPolicy":"Always","imagePullPolicy":"Never"}]}}}}
        """#
    }

    /// As the text says it: a field that is unknown is not told to be there twice besides.
    private static let inText = [
        #"duplicate field "metadata.name""#, #"unknown field "metadata.unknownMeta""#,
        #"unknown field "spec.unknown1""#, #"unknown field "spec.unknownDupe""#, #"duplicate field "spec.paused""#,
        #"unknown field "spec.template.spec.containers[0].unknownNested""#,
        #"duplicate field "spec.template.spec.containers[0].imagePullPolicy""#,
    ]

    private static let spec = #"""
        {"spec":{"unknown1":"v","unknownDupe":"v","unknownDupe":"w","paused":true,"paused":false,
         "template":{"spec":{"containers":[{"name":"c","image":"i","unknownNested":"v",
          "imagePullPolicy":"Always","imagePullPolicy":"Never"}]}}}}
        """#

    private static let unknownInSpec = [
        #"unknown field "spec.template.spec.containers[0].unknownNested""#, #"unknown field "spec.unknown1""#,
        #"unknown field "spec.unknownDupe""#,
    ]

    private static let duplicateInPatch = [
        #"duplicate field "spec.unknownDupe""#, #"duplicate field "spec.paused""#,
        #"duplicate field "spec.template.spec.containers[0].imagePullPolicy""#,
    ]

    @Test func `built-in kinds are told of in the order of the text, patches before what comes of them`() async throws {
        try await TestAPI.run { api in
            let token = try await api.token("writer", rules: [Self.all])
            let good = #"""
                {"metadata":{"name":"d"},"spec":{"selector":{"matchLabels":{"app":"a"}},
                 "template":{"metadata":{"labels":{"app":"a"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}
                """#
            let made = try await api.send(
                .post, Self.deployments, token: token, headers: ["Content-Type": "application/json"], text: good)
            #expect(made.status.code == 201)
            let path = Self.deployments + "/d"
            let cases = [
                Case(
                    method: .post, path: Self.deployments, type: "application/json", body: Self.deployment("new"),
                    problems: Self.inText),
                Case(
                    method: .put, path: path, type: "application/json", body: Self.deployment("d"),
                    problems: Self.inText),
                Case(
                    path: path, type: Self.merge, body: Self.spec,
                    problems: Self.duplicateInPatch + Self.unknownInSpec),
                Case(
                    path: path, type: "application/strategic-merge-patch+json", body: Self.spec,
                    problems: Self.duplicateInPatch + Self.unknownInSpec),
                Case(
                    path: path, type: Self.steps,
                    body: #"""
                        [{"op":"add","path":"/spec/unknown1","value":"v","foo":"bar"},
                         {"op":"add","path":"/spec/unknown2","path":"/spec/unknown3","value":"v"},
                         {"op":"add","path":"/spec/paused","value":false},
                         {"op":"add","path":"/spec/template/spec/containers/0/unknownNested","value":"v"}]
                        """#,
                    problems: [
                        #"json patch unknown field "[0].foo""#, #"json patch duplicate field "[1].path""#,
                        #"unknown field "spec.template.spec.containers[0].unknownNested""#,
                        #"unknown field "spec.unknown1""#, #"unknown field "spec.unknown3""#,
                    ]),
            ]
            for item in cases { try await Self.check(item, api, token) }
        }
    }

    // MARK: Custom resources

    private static let schema = CronTab.schema([
        "known": ["type": "string"],
        "inner": [
            "type": "object", "x-kubernetes-embedded-resource": true,
            "properties": ["data": ["type": "string"]],
        ],
        "ports": [
            "type": "array",
            "items": ["type": "object", "properties": ["name": ["type": "string"], "port": ["type": "integer"]]],
        ],
    ])

    private static let tab = #"""
        {"apiVersion":"stable.example.com/v1","kind":"CronTab",
         "metadata":{"name":"other","name":"a","unknownMeta":"v"},
         "spec":{"unknown1":"v","unknownDupe":"v","unknownDupe":"w","known":"v","known":"w",
          "ports":[{"name":"p","port":1,"port":2,"unknownNested":"v"}],
          "inner":{"apiVersion":"v1","kind":"ConfigMap",
           "metadata":{"name":"m","namespace":"n","unknownInnerMeta":"v"}}}}
        """#

    private static let tabText = """
        apiVersion: stable.example.com/v1
        kind: CronTab
        metadata:
          name: a
          unknownMeta: v
        spec:
          unknown1: v
          inner:
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: m, unknownInnerMeta: v}
          ports: [{name: p, unknownNested: v}]
        """

    private static let unknownInTab = [
        #"unknown field "spec.ports[0].unknownNested""#, #"unknown field "spec.unknown1""#,
        #"unknown field "spec.unknownDupe""#, #"unknown field "spec.inner.metadata.unknownInnerMeta""#,
    ]

    @Test func `custom resources are told what is twice, then of metadata, the rest and objects inside`() async throws {
        try await TestAPI.run { api in
            let tabs = try await CronTab(api)
            try await tabs.define(CronTab.definition([CronTab.version("v1", Self.schema)]))
            let duplicates = [
                #"duplicate field "metadata.name""#, #"duplicate field "spec.unknownDupe""#,
                #"duplicate field "spec.known""#, #"duplicate field "spec.ports[0].port""#,
            ]
            let cases = [
                Case(
                    method: .post, path: CronTab.path, type: "application/json", body: Self.tab,
                    problems: duplicates + [#"unknown field "metadata.unknownMeta""#] + Self.unknownInTab),
                Case(
                    method: .post, path: CronTab.path, type: "application/yaml", body: Self.tabText,
                    problems: [#"unknown field "metadata.unknownMeta""#]
                        + Self.unknownInTab.filter { !$0.contains("unknownDupe") }),
            ]
            for item in cases { try await Self.check(item, api, tabs.token) }
            _ = try await tabs.ask(.post, CronTab.path, CronTab.object("a", ["known": "v"]))
            let patch = #"""
                {"spec":{"unknownDupe":"v","unknownDupe":"w","known":"v","known":"w",
                 "ports":[{"name":"p","unknownNested":"v"}]}}
                """#
            try await Self.check(
                Case(
                    path: CronTab.path + "/a", type: Self.merge, body: patch,
                    problems: [
                        #"duplicate field "spec.unknownDupe""#, #"duplicate field "spec.known""#,
                        #"unknown field "spec.ports[0].unknownNested""#, #"unknown field "spec.unknownDupe""#,
                    ]), api, tabs.token)
        }
    }
}
