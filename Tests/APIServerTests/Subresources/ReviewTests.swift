import APIMachinery
import Client
import Testing

@testable import APIServer

/// What reviews refuse, and what they answer. Pure.
@Suite struct ReviewTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var scope = AccessReview.Scope.anybody
        var body: Value
        /// Of the fields at fault.
        var fields: [String]
        var testDescription: String { "\(scope) \(fields)" }
    }

    private static func asking(_ attributes: Value, user: Value = "jane") -> Value {
        ["spec": ["user": user, "resourceAttributes": attributes]]
    }

    private static func selecting(_ selector: Value, of name: String = "fieldSelector") -> Value {
        asking(["verb": "list", "resource": "pods", name: selector])
    }

    private static let one: Value = ["key": "a", "operator": "In", "values": ["b"]]

    static let cases: [Case] = [
        Case(body: asking(["verb": "get", "resource": "pods"]), fields: []),
        Case(body: ["spec": ["user": "jane"]], fields: ["spec.resourceAttributes"]),
        Case(body: ["spec": ["groups": ["a"], "nonResourceAttributes": ["path": "/", "verb": "get"]]], fields: []),
        Case(
            body: ["spec": ["user": "j", "nonResourceAttributes": [:], "resourceAttributes": [:]]],
            fields: ["spec.nonResourceAttributes"]),
        Case(body: asking([:], user: ""), fields: ["spec.user"]),
        Case(scope: .oneself, body: asking([:], user: ""), fields: []),
        Case(body: ["metadata": ["name": "a"], "spec": ["user": "j", "resourceAttributes": [:]]], fields: ["metadata"]),
        Case(
            body: ["metadata": ["creationTimestamp": .null], "spec": ["user": "j", "resourceAttributes": [:]]],
            fields: []),
        Case(
            scope: .namespace,
            body: ["metadata": ["namespace": "a"], "spec": ["user": "j", "resourceAttributes": ["namespace": "a"]]],
            fields: []),
        Case(
            scope: .namespace,
            body: ["metadata": ["namespace": "a"], "spec": ["user": "j", "resourceAttributes": ["namespace": "b"]]],
            fields: ["spec.resourceAttributes.namespace"]),
        Case(
            scope: .namespace,
            body: ["metadata": ["namespace": "a"], "spec": ["user": "j", "nonResourceAttributes": ["path": "/"]]],
            fields: ["spec.nonResourceAttributes"]),
        Case(body: selecting(["rawSelector": "a=b"]), fields: []),
        Case(body: selecting(["requirements": [one]]), fields: []),
        Case(
            body: selecting(["rawSelector": "a=b", "requirements": [one]]),
            fields: ["spec.resourceAttributes.fieldSelector.rawSelector"]),
        Case(body: selecting([:]), fields: ["spec.resourceAttributes.fieldSelector.requirements"]),
        Case(
            body: selecting(["requirements": [["key": "", "operator": "In", "values": ["b"]]]]),
            fields: ["spec.resourceAttributes.fieldSelector.requirements[0].key"]),
        Case(
            body: selecting(["requirements": [["key": "a", "operator": "In"]]]),
            fields: ["spec.resourceAttributes.fieldSelector.requirements[0].values"]),
        Case(body: selecting(["requirements": [["key": "a", "operator": "Near"]]]), fields: []),
        Case(
            body: selecting(["requirements": [["key": "a b", "operator": "Exists"]]], of: "labelSelector"),
            fields: ["spec.resourceAttributes.labelSelector.requirements[0].key"]),
        Case(
            body: selecting(["requirements": [["key": "a", "operator": "Exists", "values": ["b"]]]], of: "labelSelector"),
            fields: ["spec.resourceAttributes.labelSelector.requirements[0].values"]),
    ]

    @Test(arguments: cases) func `a review that asks for too much or too little is refused`(one: Case) {
        #expect(AccessReview.problems(one.body, one.scope).map(\.field) == one.fields)
    }

    @Test func `the answer says what was decided and what was left out`() {
        func status(_ decision: AccessDecision, _ problems: [String] = []) -> Value {
            AccessReview.status(decision, problems: problems)
        }
        #expect(status(.allow(reason: "a")) == ["allowed": true, "reason": "a"])
        #expect(status(.deny(reason: "a")) == ["allowed": false, "denied": true, "reason": "a"])
        #expect(status(.noOpinion(reason: "")) == ["allowed": false])
        #expect(
            status(.failed(why: "down", isDenial: true), ["b"])
                == ["allowed": false, "denied": true, "evaluationError": "[down, b]"])
    }

    @Test func `selectors that cannot be read count as absent`() {
        func read(_ attributes: Value) -> AccessSelectors { AccessSelectors(attributes: attributes) }
        let partly = read(["fieldSelector": ["requirements": [Self.one, ["key": "c", "operator": "Exists"]]]])
        #expect(partly.pins("a", to: "b"))
        #expect(partly.problems == ["spec.resourceAttributes.fieldSelector partially ignored due to parse error"])
        let wrong = read(["labelSelector": ["rawSelector": "a in b"]])
        #expect(wrong.labels.isEmpty)
        #expect(wrong.problems == ["spec.resourceAttributes.labelSelector ignored due to parse error"])
        let whole = read(["labelSelector": ["rawSelector": "a in (x,y),!b"]])
        #expect(
            whole.labelRequirements == [
                ["key": "a", "operator": "In", "values": ["x", "y"]], ["key": "b", "operator": "DoesNotExist"],
            ])
    }

    /// Answers as it is told.
    private struct Fixed: Authorizer {
        var decision: AccessDecision
        var listed = AccessRules()
        func decide(_ request: AccessRequest) -> AccessDecision { decision }
        func listRules(for user: User, in namespace: String) -> AccessRules { listed }
    }

    @Test func `rules are listed by all who can, and who cannot makes the list incomplete`() {
        let chain = AuthorizerChain(authorizers: [
            Fixed(
                decision: .noOpinion(reason: ""),
                listed: AccessRules(rules: [RBACRule(verbs: ["get"], groups: [""], resources: ["pods"], names: ["a"])])),
            EveryoneAuthorizer(),
            Fixed(
                decision: .noOpinion(reason: ""), listed: AccessRules(isIncomplete: true, problems: ["cannot tell"])),
        ])
        let status = RulesReview.status(chain.listRules(for: User(name: "jane"), in: "ns"))
        #expect(
            status == [
                "incomplete": true, "evaluationError": "cannot tell",
                "resourceRules": [
                    ["verbs": ["get"], "apiGroups": [""], "resources": ["pods"], "resourceNames": ["a"]],
                    ["verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]],
                ],
                "nonResourceRules": [["verbs": ["*"], "nonResourceURLs": ["*"]]],
            ])
    }

    @Test func `who does not answer stops nobody from allowing, unless it denies`() {
        let request = AccessRequest(user: User(name: "jane"), verb: "get", Target(Fixture.widgets, name: "a"))
        func decide(_ decisions: AccessDecision...) -> AccessDecision {
            AuthorizerChain(authorizers: decisions.map { Fixed(decision: $0) }).decide(request)
        }
        let (down, denial) = (
            AccessDecision.failed(why: "down", isDenial: false), AccessDecision.failed(why: "down", isDenial: true)
        )
        #expect(decide(down, .allow(reason: "a")) == .allow(reason: "a"))
        #expect(decide(.noOpinion(reason: "a"), down, .noOpinion(reason: "b")) == down)
        #expect(decide(denial, .allow(reason: "a")) == denial)
        #expect(decide(.noOpinion(reason: "a"), .noOpinion(reason: ""), .noOpinion(reason: "b")) == .noOpinion(reason: "a\nb"))
    }
}
