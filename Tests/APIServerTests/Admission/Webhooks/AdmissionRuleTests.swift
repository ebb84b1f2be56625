import APIMachinery
import Testing

@testable import APIServer

@Suite struct AdmissionRuleTests {
    private static func subject(
        _ resource: String, _ operation: String = "CREATE", namespace: String = "ns", name: String = ""
    ) -> AdmissionSubject {
        let parts = resource.split(separator: "/").map(String.init)
        return AdmissionSubject(
            operation: operation, resource: GroupVersionResource(apiVersion: "v1", resource: parts[0]),
            subresource: parts.count > 1 ? parts[1] : "", namespace: namespace, name: name)
    }

    private static func rule(_ resources: [String], scope: String? = nil) -> AdmissionRule {
        var rule: Value = [
            "operations": ["CREATE", "CONNECT"], "apiGroups": [""], "apiVersions": ["v1"],
            "resources": Value(resources),
        ]
        rule["scope"] = scope.map(Value.string)
        return AdmissionRule(rule)
    }

    @Test(arguments: [
        (["pods"], "pods", true), (["pods"], "pods/status", false), (["pods"], "services", false),
        (["pods/*"], "pods", true), (["pods/*"], "pods/exec", true), (["pods/exec"], "pods", false),
        (["*"], "pods", true), (["*"], "pods/exec", false), (["*/*"], "pods/exec", true), (["*/*"], "pods", true),
        (["*/exec"], "pods/exec", true), (["*/exec"], "pods/log", false), (["services", "pods"], "pods", true),
        ([], "pods", false),
    ])
    func `resources name themselves, their subresources or all`(
        _ resources: [String], _ asked: String, _ matches: Bool
    ) {
        let subject = Self.subject(asked)
        #expect(Self.rule(resources).matches(subject, as: subject.resource) == matches)
    }

    @Test func `operation, group and version count, and so do names`() {
        let pods = Self.subject("pods")
        let rule = Self.rule(["pods"])
        #expect(!rule.matches(Self.subject("pods", "DELETE"), as: pods.resource))
        #expect(rule.matches(Self.subject("pods", "CONNECT"), as: pods.resource))
        #expect(!rule.matches(pods, as: GroupVersionResource(group: "", version: "v2", resource: "pods")))
        #expect(!rule.matches(pods, as: GroupVersionResource(group: "x", version: "v1", resource: "pods")))
        var any = rule
        (any.groups, any.versions, any.operations) = (["*"], ["*"], ["*"])
        let other = GroupVersionResource(group: "x", version: "v2", resource: "pods")
        #expect(any.matches(Self.subject("pods", "DELETE"), as: other))
        any.names = ["a"]
        #expect(!any.matches(pods, as: pods.resource))
        #expect(any.matches(Self.subject("pods", name: "a"), as: pods.resource))
    }

    @Test(arguments: [
        ("pods", "ns", "Namespaced", true), ("pods", "ns", "Cluster", false), ("nodes", "", "Namespaced", false),
        ("nodes", "", "Cluster", true), ("nodes", "", "*", true), ("namespaces", "ns", "Namespaced", false),
        ("namespaces", "ns", "Cluster", true),
    ])
    func `a namespace is an object of the cluster`(
        _ resource: String, _ namespace: String, _ scope: String, _ matches: Bool
    ) {
        let subject = Self.subject(resource, namespace: namespace)
        #expect(Self.rule(["*"], scope: scope).matches(subject, as: subject.resource) == matches)
    }
}

@Suite struct AdmissionMatchTests {
    private static let deployments = GroupVersionResource(group: "apps", version: "v1", resource: "deployments")
    private static let beta = GroupVersionResource(group: "apps", version: "v1beta1", resource: "deployments")

    private static func subject(
        labels: Value? = nil, oldLabels: Value? = nil, operation: String = "UPDATE"
    ) -> AdmissionSubject {
        func object(_ labels: Value?) -> Value? { labels.map { ["metadata": ["labels": $0]] } }
        return AdmissionSubject(
            operation: operation, resource: deployments, subresource: "", namespace: "ns", name: "d",
            object: object(labels), oldObject: object(oldLabels))
    }

    private static func webhook(_ fields: Value = [:], versions: [String] = ["v1"]) throws -> AdmissionMatch {
        var webhook = fields
        webhook["rules"] = [
            [
                "operations": ["*"], "apiGroups": ["apps"], "apiVersions": Value(versions),
                "resources": ["deployments"],
            ]
        ]
        return try AdmissionMatch(webhook: webhook)
    }

    private static func match(_ match: AdmissionMatch, _ subject: AdmissionSubject) throws -> GroupVersionResource? {
        try match.match(subject, equivalents: { [deployments, beta] }) {
            $0 == "ns" ? ["team": "a"] : nil
        }
    }

    @Test func `another version of the same objects is caught unless versions must be exact`() throws {
        #expect(try Self.match(Self.webhook(), Self.subject()) == Self.deployments)
        #expect(try Self.match(Self.webhook(versions: ["v1beta1"]), Self.subject()) == Self.beta)
        let both = try Self.webhook(versions: ["v1beta1", "v1"])
        #expect(try Self.match(both, Self.subject()) == Self.deployments)
        let exact = try Self.webhook(["matchPolicy": "Exact"], versions: ["v1beta1"])
        #expect(try Self.match(exact, Self.subject()) == nil)
    }

    @Test func `a selector of objects takes either version of the object`() throws {
        let match = try Self.webhook(["objectSelector": ["matchLabels": ["app": "web"]]])
        #expect(try Self.match(match, Self.subject(labels: ["app": "web"], oldLabels: [:])) != nil)
        #expect(try Self.match(match, Self.subject(labels: [:], oldLabels: ["app": "web"])) != nil)
        #expect(try Self.match(match, Self.subject(labels: [:], oldLabels: [:])) == nil)
        #expect(try Self.match(match, Self.subject()) == nil)
    }

    @Test(arguments: ["Exists", "DoesNotExist"])
    func `what is connected to has no labels, and no selector of objects takes it`(operator word: String) throws {
        let match = try Self.webhook([
            "objectSelector": ["matchExpressions": [["key": "app", "operator": .string(word)]]]
        ])
        var subject = Self.subject(operation: "CONNECT")
        subject.object = ["apiVersion": "v1", "kind": "PodExecOptions", "command": ["sh"]]
        #expect(try Self.match(match, subject) == nil)
        #expect(try Self.match(try Self.webhook(), subject) != nil)
    }

    @Test func `a selector of namespaces judges by the namespace`() throws {
        let teamA = try Self.webhook(["namespaceSelector": ["matchLabels": ["team": "a"]]])
        let teamB = try Self.webhook(["namespaceSelector": ["matchLabels": ["team": "b"]]])
        var subject = Self.subject()
        #expect(try Self.match(teamA, subject) != nil)
        #expect(try Self.match(teamB, subject) == nil)
        subject.namespace = ""
        #expect(try Self.match(teamB, subject) != nil)
        subject.namespace = "gone"
        #expect { try Self.match(teamA, subject) } throws: { ($0 as? Status)?.isNotFound == true }
        // Nobody else's namespace matters to a webhook that has nothing to do with the request.
        let other = try AdmissionMatch(webhook: ["namespaceSelector": ["matchLabels": ["a": "b"]]])
        #expect(try Self.match(other, subject) == nil)
    }

    @Test func `a namespace that is written counts with its labels to be, one that goes with those it has`() throws {
        let match = try AdmissionMatch(webhook: [
            "namespaceSelector": ["matchLabels": ["team": "a"]],
            "rules": [
                ["operations": ["*"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["namespaces"]]
            ],
        ])
        var subject = AdmissionSubject(
            operation: "UPDATE", resource: GroupVersionResource(group: "", version: "v1", resource: "namespaces"),
            subresource: "", namespace: "ns", name: "ns", object: ["metadata": ["labels": ["team": "b"]]])
        #expect(try Self.match(match, subject) == nil)
        subject.object = nil
        subject.operation = "DELETE"
        #expect(try Self.match(match, subject) != nil)
    }

    @Test func `a policy without rules means everything but what it leaves out`() throws {
        let all = try AdmissionMatch(resources: [:])
        #expect(try Self.match(all, Self.subject()) == Self.deployments)
        let some = try AdmissionMatch(resources: [
            "excludeResourceRules": [
                [
                    "operations": ["UPDATE"], "apiGroups": ["apps"], "apiVersions": ["v1beta1"],
                    "resources": ["*"], "resourceNames": ["d"],
                ]
            ]
        ])
        #expect(try Self.match(some, Self.subject()) == nil)
        #expect(try Self.match(some, Self.subject(operation: "CREATE")) != nil)
    }
}
