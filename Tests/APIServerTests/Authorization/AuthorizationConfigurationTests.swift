import APIMachinery
import Support
import Testing

@testable import APIServer

/// What the file and the flags may say. Pure.
@Suite struct AuthorizationConfigurationTests {
    private static let webhook: Value = [
        "timeout": "3s", "authorizedTTL": "5m", "unauthorizedTTL": "30s", "subjectAccessReviewVersion": "v1",
        "matchConditionSubjectAccessReviewVersion": "v1", "failurePolicy": "Deny",
        "connectionInfo": ["type": "KubeConfigFile", "kubeConfigFile": "/w"],
        "matchConditions": [["expression": "request.user != 'jane'"]],
    ]

    private static func kubeconfig(_ file: String) throws(Fault) -> WebhookKubeconfig {
        let text = """
            current-context: c
            contexts: [{name: c, context: {cluster: w}}]
            clusters: [{name: w, cluster: {server: "https://hook\(file)"}}]
            """
        return try WebhookKubeconfig(text: text) { _ throws(Fault) in [] }
    }

    private static func read(_ authorizers: [Value]) throws(Fault) -> AuthorizationConfiguration {
        let document: Value = [
            "apiVersion": "apiserver.config.k8s.io/v1", "kind": "AuthorizationConfiguration",
            "authorizers": .array(authorizers),
        ]
        return try AuthorizationConfiguration(
            text: String(decoding: document.json, as: UTF8.self)
        ) { file throws(Fault) in try kubeconfig(file) }
    }

    private static func names(_ configuration: AuthorizationConfiguration) -> [String] {
        configuration.modes.map { mode in
            switch mode {
            case .node: "Node"
            case .rbac: "RBAC"
            case .everyone: "AlwaysAllow"
            case .nobody: "AlwaysDeny"
            case .webhook(let name, let hook): "\(name) \(hook.kubeconfig.url)"
            }
        }
    }

    @Test func `authorizers come in their order, webhooks with all that is said of them`() throws {
        let configuration = try Self.read([
            ["type": "Webhook", "name": "first", "webhook": Self.webhook], ["type": "Node", "name": "node"],
            ["type": "RBAC", "name": "rbac"], ["type": "Webhook", "name": "last", "webhook": Self.webhook],
        ])
        #expect(Self.names(configuration) == ["first https://hook/w", "Node", "RBAC", "last https://hook/w"])
        #expect(configuration.ownModes == ["Node", "RBAC"])
        guard case .webhook(_, let hook) = configuration.modes[0] else { return }
        #expect(hook.timeout == .seconds(3) && hook.allowedLifetime == .seconds(300))
        #expect(hook.otherLifetime == .seconds(30) && hook.version == .v1 && hook.failureDenies)
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var path: String
        var authorizers: [Value]
        var testDescription: String { path }
    }

    private static func wrong(_ path: String, _ part: [String], _ value: Value?) -> Case {
        var changed = webhook
        changed[path: part] = value
        return Case(
            path: "authorizers[0].webhook." + path,
            authorizers: [["type": "Webhook", "name": "w", "webhook": changed]])
    }

    static let cases: [Case] = [
        Case(path: "authorizers: at least one", authorizers: []),
        Case(path: "authorizers[0].type", authorizers: [["name": "a"]]),
        Case(path: "there is no authorizer", authorizers: [["type": "Magic", "name": "a"]]),
        Case(path: "ABAC", authorizers: [["type": "ABAC", "name": "a"]]),
        Case(path: "authorizers[0].name", authorizers: [["type": "RBAC", "name": "A b"]]),
        Case(path: "authorizers[1].name", authorizers: [["type": "RBAC", "name": "a"], ["type": "Node", "name": "a"]]),
        Case(path: "authorizers[1].type", authorizers: [["type": "RBAC", "name": "a"], ["type": "RBAC", "name": "b"]]),
        Case(path: "authorizers[0].webhook", authorizers: [["type": "RBAC", "name": "a", "webhook": [:]]]),
        Case(path: "authorizers[0].webhook", authorizers: [["type": "Webhook", "name": "a"]]),
        wrong("timeout", ["timeout"], nil), wrong("timeout", ["timeout"], "31s"), wrong("timeout", ["timeout"], "0s"),
        wrong("authorizedTTL", ["authorizedTTL"], "never"), wrong("unauthorizedTTL", ["unauthorizedTTL"], nil),
        wrong("subjectAccessReviewVersion", ["subjectAccessReviewVersion"], "v2"),
        wrong("matchConditionSubjectAccessReviewVersion", ["matchConditionSubjectAccessReviewVersion"], nil),
        wrong("failurePolicy", ["failurePolicy"], "Allow"),
        wrong("connectionInfo.type", ["connectionInfo", "type"], nil),
        wrong("connectionInfo.type", ["connectionInfo", "type"], "InClusterConfig"),
        wrong("connectionInfo.kubeConfigFile", ["connectionInfo", "kubeConfigFile"], "w"),
        wrong("matchConditions[0].expression", ["matchConditions"], [["expression": "request.nobody"]]),
    ]

    @Test(arguments: cases) func `a fault names the part that is wrong`(one: Case) {
        let fault = #expect(throws: Fault.self) { try Self.read(one.authorizers) }
        #expect(fault?.summary.contains(one.path) == true, "\(fault?.summary ?? "")")
    }

    @Test func `flags name modes, and a webhook where there is one`() throws {
        let hook = AuthorizationWebhook(kubeconfig: try Self.kubeconfig("/w"))
        let configuration = try AuthorizationConfiguration(names: ["Node", "Webhook", "RBAC"], webhook: hook)
        #expect(Self.names(configuration) == ["Node", "default https://hook/w", "RBAC"])
        for names in [[], ["Magic"], ["RBAC", "RBAC"], ["ABAC"], ["Webhook"]] {
            #expect(throws: Fault.self) { try AuthorizationConfiguration(names: names, webhook: nil) }
        }
        #expect(throws: Fault.self) { try AuthorizationConfiguration(names: ["RBAC"], webhook: hook) }
    }
}
