import APIMachinery
import Support
import Synchronization
import Testing
import Wire

@testable import APIServer

@Suite(.timeLimit(.minutes(5))) struct WebhookTokensTests {
    private static func holder(_ user: String, _ audiences: [String]) -> TokenVerdict {
        .holder(TokenHolder(user: User(name: user), audiences: audiences))
    }

    private static func status(_ status: Value) -> Value { status }

    /// What the status says, and for which audiences a token is then good.
    @Test(arguments: [
        (status(["authenticated": true, "user": ["username": "jane"]]), holder("jane", ["a"])),
        (
            status(["authenticated": true, "user": ["username": "jane"], "audiences": ["b", "c"]]),
            holder("jane", ["b"])
        ), (status(["authenticated": true, "user": ["username": "jane"], "audiences": ["c"]]), .unknown),
        (status(["authenticated": true, "user": [:]]), .refused(why: "the webhook named no user")),
        (status(["authenticated": false]), .unknown), (status(["error": "expired"]), .refused(why: "expired")),
        (status([:]), .unknown),
    ] as [(Value, TokenVerdict)])
    func `the status of the review decides`(status: Value, verdict: TokenVerdict) {
        #expect(WebhookTokens.verdict(status, asked: ["a", "b"], own: ["a"]) == verdict)
    }

    @Test func `an answer is believed for its time, and a failure is not`() async throws {
        let seen = Mutex<[Value]>([])
        let time = Mutex(Timestamp.now)
        let answer: TestWebhook.Answer = { request, body in
            let review = try Value(json: body)
            let count = seen.withLock { seen in
                seen.append(review)
                return seen.count
            }
            #expect(request.path == "/review" && request.headers["Authorization"] == "Bearer secret")
            guard count > 1 else { return (403, Array("no".utf8)) }
            let status: Value = ["authenticated": true, "user": ["username": "jane", "groups": ["g"], "extra": ["k": ["v"]]]]
            return (201, (["kind": "TokenReview", "apiVersion": review["apiVersion"] ?? .null, "status": status] as Value).json)
        }
        try await TestWebhook.run(answer: answer) { webhook in
            var options = TokenWebhookOptions(kubeconfig: try webhook.kubeconfig())
            options.version = .v1
            let tokens = try WebhookTokens(options, audiences: ["a"], now: { time.withLock { $0 } })
            #expect(tokens.look("t", for: ["a"]) == .pending)
            #expect(await tokens.ask("t", for: ["a"]) == .refused(why: "no"))
            #expect(tokens.look("t", for: ["a"]) == .pending)
            let jane = TokenVerdict.holder(
                TokenHolder(user: User(name: "jane", groups: ["g"], extra: ["k": ["v"]]), audiences: ["a"]))
            #expect(await tokens.ask("t", for: ["a"]) == jane)
            #expect(tokens.look("t", for: ["a"]) == jane)
            #expect(tokens.look("t", for: ["b"]) == .pending)
            time.withLock { $0 = $0 + .seconds(121) }
            #expect(tokens.look("t", for: ["a"]) == .pending)
            #expect(
                seen.withLock { $0.last } == [
                    "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview",
                    "spec": ["token": "t", "audiences": ["a"]],
                ])
        }
    }
}
