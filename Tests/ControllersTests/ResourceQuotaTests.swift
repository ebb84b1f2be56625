import API
import APIMachinery
import Client
import ClientTestSupport
import Support
import Testing

@testable import Controllers

@Suite(.timeLimit(.minutes(1))) struct ResourceQuotaTests {
    private static func quota(_ hard: Value, scopes: Value = []) -> ResourceQuota {
        ResourceQuota([
            "apiVersion": "v1", "kind": "ResourceQuota", "metadata": ["namespace": "ns", "name": "q"],
            "spec": ["hard": hard, "scopes": scopes],
        ])
    }

    private static func pod(_ name: String, cpu: String) -> Pod {
        Pod([
            "apiVersion": "v1", "kind": "Pod", "metadata": ["namespace": "ns", "name": .string(name)],
            "spec": ["containers": [["name": "c", "resources": ["requests": ["cpu": .string(cpu)]]]]],
        ])
    }

    private static func used(_ api: MemoryAPI) -> [String: String]? {
        api.peek(ResourceQuota.self, "q", in: "ns")?.status.used
    }

    @Test func `the status follows what comes and goes`() async throws {
        let api = MemoryAPI()
        try await api.create(Self.pod("old", cpu: "100m"))
        try await running([ResourceQuotaController()], on: api) {
            try await api.create(
                Self.quota(["pods": "5", "requests.cpu": "1", "count/secrets": "9", "services": "1", "no/thing": "1"]))
            await api.wait {
                Self.used($0) == ["pods": "1", "requests.cpu": "100m", "count/secrets": "0", "services": "0"]
            }
            #expect(api.peek(ResourceQuota.self, "q", in: "ns")?.status.hard["no/thing"] == "1")
            try await api.create(Self.pod("new", cpu: "200m"))
            try await api.create(Secret(namespace: "ns", name: "s"))
            try await api.create(Secret(namespace: "elsewhere", name: "s"))
            await api.wait {
                Self.used($0) == ["pods": "2", "requests.cpu": "300m", "count/secrets": "1", "services": "0"]
            }
            try await api.delete(Pod.self, ObjectName(namespace: "ns", name: "old"))
            await api.wait { Self.used($0)?["requests.cpu"] == "200m" }
            // A quota that is changed is reckoned anew.
            _ = try await api.patch(
                ResourceQuota.self, ObjectName(namespace: "ns", name: "q"),
                .merge(["spec": ["hard": ["pods": .null, "requests.cpu": "2"]]]))
            await api.wait {
                Self.used($0) == ["requests.cpu": "200m", "count/secrets": "1", "services": "0"]
            }
        }
    }

    @Test func `devices of claims count as the resource that their class stands for, as soon as it does`() async throws {
        let api = MemoryAPI()
        let request: Value = ["name": "r", "exactly": ["deviceClassName": "gpu", "count": 2]]
        let claim: Value = [
            "metadata": ["name": "c", "namespace": "ns"], "spec": ["devices": ["requests": [request]]],
        ]
        _ = try await api.create(Target(.resourceClaims, namespace: "ns"), claim, WriteOptions())
        try await running([ResourceQuotaController()], on: api) {
            try await api.create(
                Self.quota(["requests.example.com/gpu": "4", "requests.deviceclass.resource.kubernetes.io/gpu": "4"]))
            await api.wait {
                Self.used($0) == ["requests.example.com/gpu": "0", "requests.deviceclass.resource.kubernetes.io/gpu": "2"]
            }
            let gpu: Value = ["metadata": ["name": "gpu"], "spec": ["extendedResourceName": "example.com/gpu"]]
            _ = try await api.create(Target(.deviceClasses), gpu, WriteOptions())
            await api.wait { Self.used($0)?["requests.example.com/gpu"] == "2" }
        }
    }

    @Test func `a pod on a node that is silent is given up after twice its grace`() async throws {
        let api = MemoryAPI()
        let clock = ManualClock()
        let start = try #require(Timestamp("2026-01-01T00:00:00Z"))
        var pod = Self.pod("p", cpu: "1")
        pod.value[path: ["metadata", "deletionTimestamp"]] = "2026-01-01T00:00:30Z"
        pod.value[path: ["metadata", "deletionGracePeriodSeconds"]] = 30
        try await api.create(pod)
        try await api.create(Self.quota(["pods": "5"]))
        let now: @Sendable () -> Timestamp = { start + clock.now.offset }
        try await running([ResourceQuotaController()], on: api, clock: clock, now: now) {
            await api.wait { Self.used($0) == ["pods": "1"] }
            await clock.waitForSleepers()
            clock.advance(by: .seconds(60))
            await api.wait { Self.used($0) == ["pods": "0"] }
        }
    }

    @Test func `a quota with scopes counts what they name`() async throws {
        let api = MemoryAPI()
        try await api.create(Self.pod("p", cpu: "1"))
        try await api.create(Self.quota(["pods": "5", "count/secrets": "5"], scopes: ["BestEffort"]))
        try await running([ResourceQuotaController()], on: api) {
            var plain = Self.pod("plain", cpu: "1")
            plain.value[path: ["spec", "containers"]] = [["name": "c"]]
            try await api.create(plain)
            await api.wait { Self.used($0) == ["pods": "1"] }
        }
    }
}
