import APIMachinery
import Client
import Support
import Synchronization
import Testing
import Wire

@testable import APIServer

@Suite(.timeLimit(.minutes(5))) struct WebhookClientTests {
    /// A client to which the service of `TestWebhook` is at a port of loopback.
    private func client(port: Int = 1, type: String = "ClusterIP") -> WebhookClient {
        let service: Value = [
            "metadata": ["namespace": "hooks", "name": "web"],
            "spec": ["type": .string(type), "externalName": "localhost", "ports": [["port": 443]]],
        ]
        let slice: Value = [
            "metadata": ["namespace": "hooks", "name": "web-x", "labels": ["kubernetes.io/service-name": "web"]],
            "addressType": "IPv4", "ports": [["name": "", "port": .integer(Int64(port))]],
            "endpoints": [["addresses": ["127.0.0.1"], "conditions": ["ready": true]]],
        ]
        let resolver = ServiceResolver(
            services: FixedSet(service), endpointSlices: FixedSet(slice), isReachable: { _ in true })
        return WebhookClient(services: resolver)
    }

    private func call(_ target: WebhookTarget, timeout: Duration = .seconds(20)) -> WebhookCall {
        WebhookCall(target: target, body: ["question": 1], timeout: timeout)
    }

    @Test func `a service is called at its endpoint, by its name, over one connection`() async throws {
        let seen = Mutex<[String]>([])
        let answer: TestWebhook.Answer = { request, body in
            let text = "\(request.method) \(request.target) \(request.headers["Host"] ?? "") \(request.serverName ?? "")"
            seen.withLock { $0 += [text, request.remoteAddress.description] }
            return (200, body)
        }
        try await TestWebhook.run(answer: answer) { webhook in
            let client = client(port: webhook.port)
            let target = try #require(
                WebhookTarget([
                    "service": ["namespace": "hooks", "name": "web", "path": "/a"],
                    "caBundle": .string(Base64.encode(webhook.authority)),
                ]))
            for _ in 0..<3 {
                let answer = try await client.call(call(target))
                #expect(answer == ["question": 1])
            }
            let lines = seen.withLock(\.self)
            #expect(lines[0] == "POST /a?timeout=20s web.hooks.svc:443 web.hooks.svc")
            #expect(Set([lines[1], lines[3], lines[5]]).count == 1)
        }
    }

    @Test func `answers that are none are told in the words of Kubernetes' client`() async throws {
        let answer: TestWebhook.Answer = { request, _ in
            switch request.path {
            case "/404": (404, [])
            case "/500": (500, Array("oh".utf8))
            case "/status": (403, Status.badRequest("not so").value.json)
            case "/long": (200, [UInt8](repeating: 32, count: 2000))
            default: (200, Array("<html>".utf8))
            }
        }
        try await TestWebhook.run(answer: answer) { webhook in
            let expected: [(String, WebhookFailure.Kind, String)] = [
                ("/404", .refused(code: 404), "the server could not find the requested resource"),
                (
                    "/500", .refused(code: 500),
                    "an error on the server (\"oh\") has prevented the request from succeeding"
                ),
                ("/status", .refused(code: 403), "not so"),
                ("/long", .unreadable, "the answer is longer than 1000 bytes"),
            ]
            for (path, kind, text) in expected {
                var call = call(WebhookTarget(.url(webhook.url(path)), authorities: webhook.authority))
                call.answerLimit = 1000
                await #expect(throws: WebhookFailure(kind: kind, description: text)) { try await client().call(call) }
            }
            let html = call(WebhookTarget(.url(webhook.url()), authorities: webhook.authority))
            await #expect { try await client().call(html) } throws: { ($0 as? WebhookFailure)?.kind == .unreadable }
        }
    }

    @Test func `a server that does not answer in time has failed`() async throws {
        let answer: TestWebhook.Answer = { _, _ in
            try await Task.sleep(for: .seconds(30))
            return (200, [])
        }
        try await TestWebhook.run(answer: answer) { webhook in
            let call = call(
                WebhookTarget(.url(webhook.url("/x")), authorities: webhook.authority), timeout: .milliseconds(50))
            let url = "https://127.0.0.1:\(webhook.port)/x?timeout=1s"
            await #expect(
                throws: WebhookFailure(kind: .unreachable, description: "Post \"\(url)\": context deadline exceeded")
            ) { try await client().call(call) }
        }
    }

    @Test func `who is not trusted, not there or no server is told apart`() async throws {
        try await TestWebhook.run(answer: { _, body in (200, body) }) { webhook in
            try await TestWebhook.run(answer: { _, body in (200, body) }) { other in
                let stranger = call(WebhookTarget(.url(webhook.url()), authorities: other.authority))
                await #expect { try await client().call(stranger) } throws: {
                    "\($0)".hasSuffix(": tls: failed to verify certificate: x509: certificate signed by unknown authority")
                }
            }
        }
        let texts: [(WebhookTarget.Place, String)] = [
            (.url("https://127.0.0.1:1/"), ": dial tcp 127.0.0.1:1: connect: connection refused"),
            (.service(ObjectName(namespace: "hooks", name: "none"), port: 443, path: "/"), "service \"none\" not found"),
            (
                .service(TestWebhook.service, port: 80, path: "/"),
                "no service port 80 found for service \"web\""
            ),
            (.url("http://127.0.0.1:1/"), "could not get REST client: "),
        ]
        for (place, text) in texts {
            let call = call(WebhookTarget(place, authorities: []))
            await #expect("\(text)") { try await client().call(call) } throws: { "\($0)".contains(text) }
        }
        let broken = call(WebhookTarget(.url("https://127.0.0.1:1/"), authorities: Array("x".utf8)))
        await #expect { try await client().call(broken) } throws: {
            "\($0)".contains("could not get REST client: unable to load root certificates")
        }
    }

    @Test func `a service of type ExternalName is called by that name`() async throws {
        try await TestWebhook.run(answer: { _, body in (200, body) }) { webhook in
            let place = WebhookTarget.Place.service(TestWebhook.service, port: webhook.port, path: "/")
            let call = call(WebhookTarget(place, authorities: webhook.authority))
            let answer = try await client(type: "ExternalName").call(call)
            #expect(answer == ["question": 1])
        }
    }
}
