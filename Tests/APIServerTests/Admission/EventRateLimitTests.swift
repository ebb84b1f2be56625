import API
import APIMachinery
import Client
import Support
import Synchronization
import Testing

@testable import APIServer

@Suite struct EventRateLimitTests {
    private final class Clock: Sendable {
        private let state = Mutex(Timestamp(seconds: 1000))
        var now: Timestamp { state.withLock(\.self) }
        func advance(_ duration: Duration) { state.withLock { $0 = $0 + duration } }
    }

    private static func request(
        _ namespace: String = "ns", user: String = "u", component: String = "c", isDryRun: Bool = false
    ) -> AdmissionRequest {
        let write = WriteRequest(
            user: User(name: user), target: Target(.events, namespace: namespace, name: "e"),
            options: WriteOptions(isDryRun: isDryRun), verb: .create)
        let kind = GroupVersionKind(group: "", version: "v1", kind: "Event")
        return AdmissionRequest(
            write, kind, resource: .events,
            object: ["source": ["component": .string(component)], "involvedObject": ["kind": "Pod", "name": "p"]])
    }

    @Test func `events beyond the rate of their kind are refused`() throws {
        let clock = Clock()
        let plugin = try EventRateLimit(
            [
                "limits": [
                    ["type": "Namespace", "qps": 1, "burst": 2], ["type": "User", "qps": 100, "burst": 100],
                    ["type": "SourceAndObject", "qps": 100, "burst": 100],
                ]
            ], now: { clock.now })
        for _ in 0..<2 { try plugin.validate(Self.request()) }
        let status = #expect(throws: Status.self) { try plugin.validate(Self.request(user: "other")) }
        #expect(status?.code == 429)
        #expect(status?.message == "Too many requests: limit reached on type Namespace for key ns")
        try plugin.validate(Self.request("elsewhere"))
        try plugin.validate(Self.request(isDryRun: true))
        clock.advance(.seconds(1))
        try plugin.validate(Self.request())
        #expect(throws: Status.self) { try plugin.validate(Self.request()) }
    }

    @Test func `an unusable limit is a fault, none at all is not`() throws {
        #expect(throws: Fault.self) {
            try EventRateLimit(["limits": [["type": "Pod", "qps": 1, "burst": 1]]], now: { .now })
        }
        #expect(throws: Fault.self) {
            try EventRateLimit(["limits": [["type": "Server", "qps": 0, "burst": 1]]], now: { .now })
        }
        try EventRateLimit(nil, now: { .now }).validate(Self.request())
    }

    @Test func `buckets are kept for those that came lately, and no more`() {
        var buckets = TokenBuckets(TokenBucket.Rate(perSecond: 1, burst: 1), size: 4)
        let now = Timestamp(seconds: 5)
        for number in 0..<100 {
            _ = buckets.take("k\(number)", at: now)
            #expect(buckets.count <= 8)
        }
        let taken = ["k99", "k96", "k1"].map { buckets.take($0, at: now) }
        #expect(taken == [false, false, true])
    }
}
