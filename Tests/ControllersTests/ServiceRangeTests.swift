import API
import APIMachinery
import APIServer
import Client
import ClientTestSupport
import Support
import Testing

@testable import Controllers

@Suite(.timeLimit(.minutes(1))) struct ServiceRangeTests {
    private static let now = Timestamp(seconds: 1_000_000)

    private static func range(_ cidr: String, deleted: Duration? = nil, told: String? = nil) -> ServiceCIDR {
        var range = ServiceCIDR(name: "r")
        range.spec.cidrs = [cidr]
        range.metadata.finalizers = [ServiceRangeDecision.finalizer]
        if let deleted { range.metadata.deletionTimestamp = now + deleted }
        if let told {
            var condition = Condition()
            (condition.type, condition.status) = ("Ready", told)
            range.status.conditions = [condition]
        }
        return range
    }

    @Test func `a range is kept while a service has an address of it alone`() {
        func action(_ range: ServiceCIDR, others: [String] = [], addresses: [String] = []) -> ServiceRangeDecision.Action {
            ServiceRangeDecision(
                range: range, others: others.map { Self.range($0) },
                addresses: addresses.compactMap { Support.IPAddress($0) }, now: Self.now
            ).action
        }
        let cidr = "10.50.0.0/24"
        var fresh = Self.range(cidr)
        fresh.metadata.finalizers = []
        #expect(action(fresh) == .protect)
        #expect(action(Self.range(cidr)) == .tell(.ready))
        #expect(action(Self.range(cidr, told: "True")) == .nothing)
        let going = Self.range(cidr, deleted: .seconds(-60), told: "True")
        #expect(action(going) == .tell(.terminating))
        let told = Self.range(cidr, deleted: .seconds(-60), told: "False")
        #expect(action(told, addresses: ["10.50.0.9"]) == .nothing)
        #expect(action(told, others: ["10.50.0.0/16"], addresses: ["10.50.0.9"]) == .release)
        #expect(action(told, addresses: ["10.51.0.9"]) == .release)
        #expect(action(Self.range(cidr, deleted: .seconds(-4), told: "False")) == .wait(.seconds(6)))
    }

    @Test func `a range of the whole server becomes ready, and goes when it is free`() async throws {
        try await withServer { server in
            let admin = server.client()
            var range = ServiceCIDR(name: "more")
            range.spec.cidrs = ["10.99.0.0/24"]
            try await admin.create(range)
            let client = server.controllerClient("service-cidrs-controller")
            let name = ObjectName(name: "more")
            let later: @Sendable () -> Timestamp = { .now + .seconds(60) }
            try await running([ServiceRanges()], on: client, now: later) {
                try await wait(for: ServiceCIDR.self, name, admin) { $0?.status.conditions.first?.status == "True" }
                try await admin.delete(ServiceCIDR.self, name)
                try await wait(for: ServiceCIDR.self, name, admin) { $0 == nil }
            }
        }
    }
}
