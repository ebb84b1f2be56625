import APIMachinery
import Client
import Support
import Testing

@testable import APIServer

@Suite struct AuditPolicyTests {
    private static let user = User(name: "ann", groups: ["dev", "system:authenticated"])

    private static func request(_ method: String, _ path: String) -> AccessRequest {
        AccessRequest(user: user, RequestInfo(method: method, path: path, isWatch: false))
    }

    private static func policy(_ rules: String, _ rest: String = "") throws -> AuditPolicy {
        try AuditPolicy(text: "apiVersion: audit.k8s.io/v1\nkind: Policy\n\(rest)\nrules:\n\(rules)")
    }

    private static let pods = "/api/v1/namespaces/web/pods/p"

    @Test(arguments: [
        ("users: [ann]", pods, true), ("users: [bob]", pods, false),
        ("userGroups: [ops, dev]", pods, true), ("userGroups: [ops]", pods, false),
        ("verbs: [get]", pods, true), ("verbs: [list]", pods, false),
        ("namespaces: [web]", pods, true), ("namespaces: [db]", pods, false), ("namespaces: [web]", "/healthz", false),
        ("namespaces: ['']", "/api/v1/nodes/n", true), ("namespaces: ['']", pods, false),
        ("resources: [{group: ''}]", pods, true), ("resources: [{group: apps}]", pods, false),
        ("resources: [{resources: [pods]}]", pods, true), ("resources: [{resources: [pods]}]", pods + "/log", false),
        ("resources: [{resources: [pods/log]}]", pods + "/log", true),
        ("resources: [{resources: [pods/*]}]", pods + "/log", true), ("resources: [{resources: ['*/log']}]", pods + "/log", true),
        ("resources: [{resources: ['*/log']}]", pods, false), ("resources: [{resources: ['*']}]", pods + "/log", true),
        ("resources: [{resources: [pods], resourceNames: [p]}]", pods, true),
        ("resources: [{resources: [pods], resourceNames: [q]}]", pods, false),
        ("nonResourceURLs: [/healthz]", "/healthz", true), ("nonResourceURLs: ['/health*']", "/healthz", true),
        ("nonResourceURLs: ['*']", "/version", true), ("nonResourceURLs: ['*']", pods, false),
        ("nonResourceURLs: [/health]", "/healthz", false),
    ])
    func `a rule is about what all its parts name`(part: String, path: String, matches: Bool) throws {
        let policy = try Self.policy("- level: Request\n  \(part)")
        #expect(policy.decide(Self.request("GET", path)).level == (matches ? .request : .none))
    }

    @Test func `the first rule that matches decides, and omits with the policy`() throws {
        let policy = try Self.policy(
            """
            - level: None
              verbs: [watch]
            - level: RequestResponse
              omitStages: [ResponseStarted]
              omitManagedFields: false
              users: [ann]
            - level: Metadata
            """, "omitStages: [RequestReceived]\nomitManagedFields: true")
        let ann = policy.decide(Self.request("GET", Self.pods))
        #expect(ann.level == .requestResponse)
        #expect(ann.omittedStages == [.requestReceived, .responseStarted])
        #expect(!ann.omitsManagedFields)
        var bob = Self.request("GET", Self.pods)
        bob.user.name = "bob"
        #expect(policy.decide(bob).level == .metadata)
        #expect(policy.decide(bob).omitsManagedFields)
    }

    @Test(arguments: [
        ("- level: Everything", "rules[0].level"), ("- level: None\n  omitStages: [Never]", "rules[0].omitStages[0]"),
        ("- level: None\n  namespaces: [a]\n  nonResourceURLs: [/a]", "not both"),
        ("- level: None\n  nonResourceURLs: [a]", "nonResourceURLs"),
        ("- level: None\n  nonResourceURLs: ['/*/a']", "nonResourceURLs"),
        ("- level: None\n  resources: [{resourceNames: [a]}]", "resourceNames"), ("", "at least one rule"),
    ])
    func `a policy that cannot be meant is refused in words`(rules: String, words: String) throws {
        let fault = #expect(throws: Fault.self) { try Self.policy(rules) }
        #expect(fault?.summary.contains(words) == true, "\(fault?.summary ?? "")")
    }

    @Test func `another kind is no policy`() {
        #expect(throws: Fault.self) { try AuditPolicy(text: "apiVersion: v1\nkind: Pod\nrules: [{level: None}]") }
    }
}
