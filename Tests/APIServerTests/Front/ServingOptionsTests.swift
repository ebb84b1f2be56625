import API
import APIMachinery
import Client
import Support
import Testing
import Wire

@testable import APIServer

/// What the flags about serving change.
@Suite(.timeLimit(.minutes(5))) struct ServingOptionsTests {
    private static let year = Duration.seconds(365 * 86_400)

    @Test(arguments: [
        (Duration.seconds(300), Int64(0), Duration.seconds(300)...Duration.seconds(600)),
        (.seconds(1), 0, .seconds(1) ... .seconds(2)),
        (.seconds(300), 5, .seconds(5) ... .seconds(5)), (.seconds(300), -5, .seconds(300) ... .seconds(600)),
        (.seconds(Int64.max), 0, year...year), (.seconds(1), Int64.max, year...year),
    ])
    func `a watch ends when its client says, or between once and twice the shortest time`(
        shortest: Duration, asked: Int64, range: ClosedRange<Duration>
    ) {
        let deadline = RequestDeadline(shortestWatch: shortest)
        let ends = Set((0..<200).map { _ in deadline.end(ofWatchFor: asked) })
        #expect(ends.allSatisfy(range.contains))
        #expect(range.lowerBound == range.upperBound || ends.count > 1)
    }

    @Test func `pods stay on lost nodes for as long as the server was told`() async throws {
        let server = try await TestAPI.open {
            $0.admission.notReadySeconds = 30
            $0.admission.unreachableSeconds = 0
        }
        await server.bootstrap()
        let client = server.client()
        try await client.create(ServiceAccount(namespace: "default", name: "default"))
        let pod = try await client.create(
            Target(.pods, namespace: "default"),
            [
                "metadata": ["name": "a"],
                "spec": [
                    "containers": [["name": "c", "image": "i"]],
                    "tolerations": [["key": "mine", "operator": "Exists"]],
                ],
            ], WriteOptions()
        ).value
        let tolerations = pod.at("spec", "tolerations")?.array ?? []
        #expect(
            tolerations.dropFirst().map { "\($0["key"]?.string ?? "") \($0["tolerationSeconds"] ?? .null)" } == [
                "node.kubernetes.io/not-ready 30", "node.kubernetes.io/unreachable 0",
            ])
        await server.close()
    }

    @Test func `browsers are told to come encrypted, whatever is answered`() async throws {
        try await TestAPI.run {
            $0.transportSecurity = ["max-age=300", "preload"]
        } _: { api in
            for token in ["nobody", try await api.token("a")] {
                let response = try await api.send(.get, "/version", token: token)
                #expect(response.headers["Strict-Transport-Security"] == "max-age=300; preload")
            }
        }
        try await TestAPI.run { api in
            let response = try await api.send(.get, "/version", token: try await api.token("a"))
            #expect(response.headers["Strict-Transport-Security"] == nil)
        }
    }

    @Test(arguments: [
        (nil, "192.0.2.1:6443"), ("api.test", "api.test:6443"), ("api.test:443", "api.test:443"), ("fd00::1", "[fd00::1]:6443"),
        ("[fd00::1]:1", "[fd00::1]:1"), ("[fd00::1]", "[fd00::1]:6443"),
    ] as [(String?, String)])
    func `a server has the name that it was told`(name: String?, address: String) throws {
        var options = try TestAPI.options()
        options.advertiseAddress = try #require(IPAddress("192.0.2.1"))
        options.advertisePort = 6443
        options.externalHostname = name
        #expect(options.externalAddress == address)
    }

    @Test func `discovery names the server as others know it`() async throws {
        try await TestAPI.run {
            $0.externalHostname = "api.test:443"
        } _: { api in
            let token = try await api.token("a", rules: [["nonResourceURLs": ["*"], "verbs": ["get"]]])
            let versions = try Value(json: try await api.ask(.get, "/api", token: token).text)
            #expect(versions["serverAddressByClientCIDRs"]?.array?.first?["serverAddress"] == "api.test:443")
        }
    }

    @Test(arguments: [true, false]) func `nobody is told where the server is, if so it was told`(tells: Bool) async throws {
        let server = try await TestAPI.open {
            $0.advertiseAddress = try #require(IPAddress("192.0.2.1"))
            $0.tellsEndpoints = tells
        }
        await server.bootstrap()
        let client = server.client()
        let endpoints = try? await client.get(Target(Endpoints.resource, namespace: "default", name: "kubernetes"))
        let slice = try? await client.get(Target(EndpointSlice.resource, namespace: "default", name: "kubernetes"))
        #expect((endpoints != nil) == tells && (slice != nil) == tells)
        _ = try await client.get(Target(.services, namespace: "default", name: "kubernetes"))
        await server.close()
    }

    @Test func `events are kept for as long as the server was told`() async throws {
        try await TestAPI.run {
            $0.eventLifetime = .milliseconds(50)
        } _: { api in
            let token = try await api.token("a", rules: [["apiGroups": [""], "resources": ["events"], "verbs": ["*"]]])
            let events = "/api/v1/namespaces/default/events"
            let event: Value = [
                "metadata": ["name": "e"], "involvedObject": ["kind": "Pod", "namespace": "default", "name": "p"],
            ]
            #expect(try await api.ask(.post, events, token: token, body: event).code == 201)
            while try await api.ask(.get, events + "/e", token: token).code == 200 {
                try await Task.sleep(for: .milliseconds(20))
            }
        }
    }
}
