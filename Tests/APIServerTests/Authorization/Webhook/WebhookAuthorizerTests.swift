import APIMachinery
import Client
import Support
import Synchronization
import Testing
import Wire

@testable import APIServer

@Suite(.timeLimit(.minutes(5))) struct WebhookAuthorizerTests {
    private static let pods = GroupVersionResource(group: "", version: "v1", resource: "pods")

    private static func request(_ verb: String = "get", by user: String = "jane") -> AccessRequest {
        AccessRequest(
            user: User(name: user, uid: "7", groups: ["g"]), verb: verb, Target(pods, namespace: "shop", name: "a"),
            selectors: verb == "list" ? AccessSelectors(fields: "spec.nodeName=n", labels: "a!=b") : .none)
    }

    @Test(arguments: [
        (["allowed": true, "reason": "a"], .allow(reason: "a")), (["allowed": false], .noOpinion(reason: "")),
        (["allowed": false, "denied": true, "reason": "b"], .deny(reason: "b")),
        (
            ["allowed": true, "denied": true],
            .failed(why: "webhook subject access review returned both allow and deny response", isDenial: true)
        ), ([:], .noOpinion(reason: "")),
    ] as [(Value, AccessDecision)])
    func `the status of the review decides`(status: Value, decision: AccessDecision) {
        #expect(WebhookAuthorizer.decision(status) == decision)
    }

    @Test func `a review says who wants to do what, in either version`() {
        let attributes: Value = [
            "namespace": "shop", "verb": "list", "version": "v1", "resource": "pods", "name": "a",
            "fieldSelector": ["requirements": [["key": "spec.nodeName", "operator": "In", "values": ["n"]]]],
            "labelSelector": ["requirements": [["key": "a", "operator": "NotIn", "values": ["b"]]]],
        ]
        #expect(
            Self.request("list").reviewSpec(.v1)
                == ["user": "jane", "uid": "7", "groups": ["g"], "resourceAttributes": attributes])
        #expect(Self.request("list").reviewSpec(.v1beta1)["group"] == ["g"])
        let path = AccessRequest(user: User(name: "jane"), RequestInfo(verb: "get", path: "/x"))
        #expect(path.reviewSpec(.v1) == ["user": "jane", "nonResourceAttributes": ["path": "/x", "verb": "get"]])
    }

    /// Allows `get`, denies `delete`, has no opinion of the rest, fails for `john`.
    private static let answer: TestWebhook.Answer = { _, body in
        let review = try Value(json: body)
        guard review.at("spec", "user") != "john" else { return (400, []) }
        let verb = review.at("spec", "resourceAttributes", "verb")?.string ?? ""
        let status: Value = ["allowed": .bool(verb == "get"), "denied": .bool(verb == "delete"), "reason": .string(verb)]
        return (200, (["kind": "SubjectAccessReview", "status": status] as Value).json)
    }

    @Test func `answers are believed for their time, a yes longer than others`() async throws {
        let time = Mutex(Timestamp.now)
        try await TestWebhook.run(answer: Self.answer) { webhook in
            let authorizer = try WebhookAuthorizer(
                AuthorizationWebhook(kubeconfig: try webhook.kubeconfig()), now: { time.withLock { $0 } })
            let requests = ["get", "delete", "list"].map { Self.request($0) }
            let decisions: [AccessDecision] = [
                .allow(reason: "get"), .deny(reason: "delete"), .noOpinion(reason: "list"),
            ]
            for (request, decision) in zip(requests, decisions) {
                #expect(authorizer.decide(request) == .pending)
                #expect(await authorizer.ask(request) == decision)
                #expect(authorizer.decide(request) == decision)
            }
            #expect(authorizer.decide(Self.request(by: "else")) == .pending)
            time.withLock { $0 = $0 + .seconds(31) }
            #expect(requests.map(authorizer.decide) == [decisions[0], .pending, .pending])
            time.withLock { $0 = $0 + .seconds(300) }
            #expect(authorizer.decide(requests[0]) == .pending)
        }
    }

    @Test func `a failure counts as its policy says, and is not remembered`() async throws {
        try await TestWebhook.run(answer: Self.answer) { webhook in
            for denies in [false, true] {
                var options = AuthorizationWebhook(kubeconfig: try webhook.kubeconfig())
                options.failureDenies = denies
                let authorizer = try WebhookAuthorizer(options, now: { .now })
                guard case .failed(why: _, isDenial: denies) = await authorizer.ask(Self.request(by: "john")) else {
                    Issue.record("it did not fail")
                    continue
                }
                #expect(authorizer.decide(Self.request(by: "john")) == .pending)
            }
        }
    }

    @Test func `a webhook is not asked about what its conditions leave out`() async throws {
        let asked = Mutex(0)
        let answer: TestWebhook.Answer = { _, _ in
            asked.withLock { $0 += 1 }
            return (200, (["status": ["allowed": true]] as Value).json)
        }
        try await TestWebhook.run(answer: answer) { webhook in
            var options = AuthorizationWebhook(kubeconfig: try webhook.kubeconfig())
            options.failureDenies = true
            options.conditions = try RequestConditions(["request.resourceAttributes.verb == 'get'"], at: "x")
            let authorizer = try WebhookAuthorizer(options, now: { .now })
            #expect(await authorizer.ask(Self.request("list")) == .noOpinion(reason: ""))
            let path = AccessRequest(user: User(name: "jane"), RequestInfo(verb: "get", path: "/x"))
            guard case .failed(why: _, isDenial: true) = authorizer.decide(path) else {
                Issue.record("a condition that fails let it pass")
                return
            }
            #expect(asked.withLock { $0 } == 0)
            #expect(await authorizer.ask(Self.request()) == .allow(reason: ""))
        }
    }

    @Test func `a server that cannot answer is asked again`() async throws {
        let asked = Mutex(0)
        let answer: TestWebhook.Answer = { _, _ in
            let count = asked.withLock { asked in
                asked += 1
                return asked
            }
            return (count < 3 ? 500 : 200, (["status": ["allowed": true]] as Value).json)
        }
        try await TestWebhook.run(answer: answer) { webhook in
            let service = try ReviewWebhook(
                try webhook.kubeconfig(), timeout: .seconds(10), pauses: [.zero, .zero, .zero])
            #expect(try await service.status(of: ["kind": "SubjectAccessReview"]) == ["allowed": true])
            #expect(asked.withLock { $0 } == 3)
            asked.withLock { $0 = -10 }
            await #expect(throws: WebhookFailure.self) { try await service.status(of: ["kind": "SubjectAccessReview"]) }
            #expect(asked.withLock { $0 } == -6)
        }
    }

    @Test func `a webhook decides at the front door, and its failure is no refusal`() async throws {
        try await TestWebhook.run(answer: Self.answer) { webhook in
            let kubeconfig = try webhook.kubeconfig()
            try await TestAPI.run({ options in
                let hook = AuthorizationWebhook(kubeconfig: kubeconfig)
                options.authorization = AuthorizationConfiguration([.node, .rbac, .webhook(name: "w", hook)])
                options.authentication.staticTokens = try StaticTokens(csv: "one,jane,7\ntwo,john,8")
            }) { api in
                func code(_ method: HTTPMethod, by token: String) async throws -> Int {
                    try await api.ask(method, "/api/v1/namespaces/default", token: token).code
                }
                #expect(try await code(.get, by: "one") == 200)
                #expect(try await code(.delete, by: "one") == 403)
                #expect(try await code(.get, by: "two") == 500)
                try api.server.replace(authorization: AuthorizationConfiguration([.rbac, .node]))
                #expect(try await code(.get, by: "one") == 403)
                #expect(throws: Fault.self) {
                    try api.server.replace(authorization: AuthorizationConfiguration([.rbac, .everyone]))
                }
            }
        }
    }
}
