import APIMachinery
import Testing

@testable import APIServer

@Suite struct RBACCoverTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var held: [RBACRule]
        var wanted: [RBACRule]
        /// Empty when everything wanted is held.
        var missing = ""

        var testDescription: String { "\(held.count) held, missing \(missing)" }
    }

    private static func rule(_ verbs: [String], _ resources: [String], in group: String = "", names: [String] = []) -> RBACRule {
        RBACRule(verbs: verbs, groups: [group], resources: resources, names: names)
    }

    @Test(arguments: [
        Case(held: [rule(["get", "list"], ["pods"])], wanted: [rule(["get"], ["pods"])]),
        Case(held: [rule(["*"], ["*"], in: "*")], wanted: [rule(["get", "*"], ["pods", "pods/log", "*"], in: "apps")]),
        Case(held: RBACRule.fullAuthority, wanted: RBACRule.fullAuthority),
        // Two rules together give what neither gives alone.
        Case(
            held: [rule(["get"], ["pods"]), rule(["get"], ["nodes"])], wanted: [rule(["get"], ["pods", "nodes"])]),
        Case(
            held: [rule(["get"], ["pods"])], wanted: [rule(["get", "delete", "watch"], ["pods", "pods/log"])],
            missing: #"""
                {APIGroups:[""], Resources:["pods"], Verbs:["delete" "watch"]}
                {APIGroups:[""], Resources:["pods/log"], Verbs:["get" "delete" "watch"]}
                """#),
        // All verbs that there are today are not all verbs.
        Case(
            held: [rule(["get", "list", "create"], ["pods"])], wanted: [rule(["*"], ["pods"])],
            missing: #"{APIGroups:[""], Resources:["pods"], Verbs:["*"]}"#),
        Case(
            held: [rule(["get"], ["pods"])], wanted: [rule(["get"], ["pods"], in: "apps")],
            missing: #"{APIGroups:["apps"], Resources:["pods"], Verbs:["get"]}"#),
        Case(held: [rule(["update"], ["*/scale"])], wanted: [rule(["update"], ["deployments/scale"])]),
        Case(
            held: [rule(["update"], ["*/scale"])], wanted: [rule(["update"], ["deployments"])],
            missing: #"{APIGroups:[""], Resources:["deployments"], Verbs:["update"]}"#),
        Case(held: [rule(["get"], ["secrets"])], wanted: [rule(["get"], ["secrets"], names: ["a"])]),
        Case(
            held: [rule(["get"], ["secrets"], names: ["a"])], wanted: [rule(["get"], ["secrets"], names: ["a", "b"])],
            missing: #"{APIGroups:[""], Resources:["secrets"], ResourceNames:["b"], Verbs:["get"]}"#),
        Case(
            held: [rule(["get"], ["secrets"], names: ["a"])], wanted: [rule(["get"], ["secrets"])],
            missing: #"{APIGroups:[""], Resources:["secrets"], Verbs:["get"]}"#),
        Case(
            held: [RBACRule(verbs: ["get"], nonResourceURLs: ["/metrics/*"])],
            wanted: [RBACRule(verbs: ["get"], nonResourceURLs: ["/metrics/x", "/metrics/y/*", "/logs"])],
            missing: #"{NonResourceURLs:["/logs"], Verbs:["get"]}"#),
        Case(
            held: [rule(["*"], ["*"], in: "*")], wanted: [RBACRule(verbs: ["get"], nonResourceURLs: ["/metrics"])],
            missing: #"{NonResourceURLs:["/metrics"], Verbs:["get"]}"#),
        Case(held: [], wanted: []),
        // A rule that names no resource gives nothing.
        Case(held: [], wanted: [RBACRule(verbs: ["*"])]),
    ])
    func `what is wanted must be held, right by right`(example: Case) throws {
        #expect(RBACRule.list(try RBACRule.missing(in: example.held, of: example.wanted)) == example.missing)
    }

    @Test func `rights that multiply are not counted one by one`() throws {
        let words = (0..<400).map { "x\($0)" }
        let product = RBACRule(verbs: words, groups: words, resources: words, names: words)
        #expect(throws: RBACRule.TooManyRights.self) { try RBACRule.missing(in: [], of: [product]) }
        let many = RBACRule(verbs: Array(repeating: "get", count: 2_000_000), groups: words, resources: words)
        #expect(throws: RBACRule.TooManyRights.self) { try RBACRule.missing(in: [], of: [many, many]) }
        // Who holds such a rule may pass it on.
        #expect(try RBACRule.missing(in: [product], of: [product]).isEmpty)
        #expect(try RBACRule.missing(in: RBACRule.fullAuthority, of: [product]).isEmpty)
        let some = try RBACRule.missing(in: [], of: [Self.rule(["get"], words)])
        #expect(RBACRule.list(some).hasSuffix("\nand 300 more"))
    }
}
