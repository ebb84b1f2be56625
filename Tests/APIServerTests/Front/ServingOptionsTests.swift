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
