import APIMachinery
import Client
import Support
import Testing

@testable import APIServer

/// The conditions under which a webhook is asked. Pure.
@Suite struct RequestConditionsTests {
    private static let pods = GroupVersionResource(group: "", version: "v1", resource: "pods")
    private static let listing = AccessRequest(
        user: User(name: "jane", groups: ["dev"], extra: ["k": ["v"]]), verb: "list",
        Target(pods, namespace: "shop"), selectors: AccessSelectors(fields: "spec.nodeName=n1", labels: "a in (x,y)"))
    private static let path = AccessRequest(user: User(name: "jane"), RequestInfo(verb: "get", path: "/healthz"))

    @Test(arguments: [
        ("request.user == 'jane'", true, true), ("'dev' in request.groups", true, false),
        ("has(request.resourceAttributes)", true, false), ("has(request.nonResourceAttributes)", false, true),
        ("has(request.resourceAttributes) && request.resourceAttributes.namespace == 'shop'", true, false),
        ("!has(request.resourceAttributes) || request.resourceAttributes.subresource == ''", true, true),
        ("request.extra['k'] == ['v']", true, nil), ("request.uid == ''", true, true),
        ("request.resourceAttributes.fieldSelector.requirements.exists(r, r.key == 'spec.nodeName')", true, nil),
        ("request.resourceAttributes.labelSelector.requirements[0].values == ['x', 'y']", true, nil),
        ("request.resourceAttributes.verb.startsWith('l')", true, nil),
    ] as [(String, Bool, Bool?)])
    func `an expression sees the request as a review has it`(source: String, listing: Bool, path: Bool?) throws {
        let conditions = try RequestConditions([source], at: "x")
        #expect(conditions.match(Self.listing) == (listing ? .matches : .differs))
        guard let path else {
            if case .failed = conditions.match(Self.path) {} else { Issue.record("it came to a value") }
            return
        }
        #expect(conditions.match(Self.path) == (path ? .matches : .differs))
    }

    @Test func `one condition that does not hold outweighs those that fail`() throws {
        let failing = "request.resourceAttributes.verb == 'get'"
        #expect(try RequestConditions([failing, "false"], at: "x").match(Self.path) == .differs)
        #expect(try RequestConditions([failing, "true"], at: "x").match(Self.path) != .matches)
        #expect(RequestConditions.none.match(Self.path) == .matches)
    }

    @Test(arguments: [
        ["request.name == 'a'"], ["'a'"], [" "], ["true", "true"], ["request."], ["user == 'a'"],
    ])
    func `what does not compile, comes to no truth or stands there twice is refused`(sources: [String]) {
        let fault = #expect(throws: Fault.self) { try RequestConditions(sources, at: "c") }
        #expect(fault?.summary.hasPrefix("c[\(sources.count - 1)].expression") == true)
    }
}
