import API
import APIMachinery
import Runtime
import Support
import Testing

@testable import Kubelet

/// Which claims a pod has, which of them it may use, and what a container gets of them.
@Suite struct ClaimRulesTests {
    private static func pod(_ claims: Value, status: Value = [:], container: Value = [:]) -> Pod {
        Pod([
            "metadata": ["namespace": "ns", "name": "web", "uid": "u1"],
            "spec": ["resourceClaims": claims, "containers": [container]], "status": status,
        ])
    }

    private static func claim(owner: String? = nil, reservedFor: [String] = ["u1"], status: Value? = nil)
        -> DeviceClaim
    {
        var metadata: Value = ["namespace": "ns", "name": "one", "uid": "c1"]
        if let owner {
            metadata["ownerReferences"] = [["kind": "Pod", "uid": .string(owner), "controller": true]]
        }
        let allocation: Value = [
            "devices": ["results": [["driver": "a.io"], ["driver": "b.io"], ["driver": "a.io"]]]
        ]
        return DeviceClaim([
            "metadata": metadata,
            "status": status ?? [
                "allocation": allocation,
                "reservedFor": .array(reservedFor.map { ["resource": "pods", "uid": .string($0)] }),
            ],
        ])
    }

    private static func fault(_ body: () throws(Fault) -> Void) -> String? {
        do throws(Fault) { try body() } catch { return error.summary }
        return nil
    }

    @Test func `a pod's claims are those that it names and those that were made for it`() throws {
        let claims: Value = [
            ["name": "a", "resourceClaimName": "one"], ["name": "b", "resourceClaimTemplateName": "t"],
            ["name": "c", "resourceClaimTemplateName": "t"],
        ]
        let told: Value = [
            "resourceClaimStatuses": [["name": "b", "resourceClaimName": "web-b-x"], ["name": "c"]],
            "extendedResourceClaimStatus": ["resourceClaimName": "ext"],
        ]
        #expect(
            try Self.pod(claims, status: told).deviceClaims() == [
                DeviceClaimReference(name: "one", mustBeOwn: false),
                DeviceClaimReference(name: "web-b-x", mustBeOwn: true),
                DeviceClaimReference(name: "ext", mustBeOwn: false),
            ], "none is needed for the third")
        #expect(
            Self.fault { () throws(Fault) in _ = try Self.pod(claims).deviceClaims() }
                == "pod \"ns/web\": ResourceClaim not created yet")
        #expect(
            Self.fault { () throws(Fault) in _ = try Self.pod([["name": "a"]]).deviceClaims() }
                == "pod \"ns/web\", spec.resourceClaim \"a\": none of the supported fields are set")
        #expect(Self.pod(claims).needsDeviceClaims && !Self.pod([]).needsDeviceClaims)
        #expect(Self.pod([], status: told).needsDeviceClaims)
    }

    @Test func `a claim is used by whom it is reserved for`() throws {
        let pod = Self.pod([])
        func check(_ claim: DeviceClaim, mustBeOwn: Bool = false) -> String? {
            Self.fault { () throws(Fault) in try claim.check(for: pod, mustBeOwn: mustBeOwn) }
        }
        #expect(check(Self.claim()) == nil && check(Self.claim(owner: "u1"), mustBeOwn: true) == nil)
        let foreign = "ResourceClaim ns/one was not created for pod ns/web (pod is not owner)"
        #expect(check(Self.claim(), mustBeOwn: true) == foreign)
        #expect(check(Self.claim(owner: "u2"), mustBeOwn: true) == foreign)
        #expect(
            check(Self.claim(reservedFor: ["u2"]))
                == "pod web (u1) is not allowed to use ResourceClaim one (c1)")
        #expect(
            check(Self.claim(status: ["reservedFor": [["uid": "u1"]]])) == "ResourceClaim one: not allocated")
        #expect(Self.claim().drivers == ["a.io", "b.io"] && Self.claim(status: [:]).drivers == nil)
    }

    @Test func `a container gets the devices of the requests that it names`() throws {
        let named = { (claims: Value) -> Value in ["name": "main", "resources": ["claims": claims]] }
        let own: Value = [
            ["name": "a", "resourceClaimName": "one"], ["name": "b", "resourceClaimName": "two"],
        ]
        var ledger = ClaimLedger()
        func name(_ text: String) -> ObjectName { ObjectName(namespace: "ns", name: text) }
        try ledger.use(name("one"), uid: "c1", drivers: ["a.io", "b.io"], by: "u1")
        ledger.give(name("one"), "b.io", [ClaimLedger.Device(pool: "p", name: "3", cdi: ["x=3"])])
        ledger.give(
            name("one"), "a.io",
            [
                ClaimLedger.Device(pool: "p", name: "1", requests: ["r1"], cdi: ["x=1", "x=all"]),
                ClaimLedger.Device(pool: "p", name: "2", requests: ["r2"], cdi: ["x=2", "x=all"]),
            ])
        func devices(_ pod: Pod) throws -> [String] {
            try ledger.cdiDevices(pod.deviceClaims(of: pod.spec.containers[0]), in: "ns")
        }
        #expect(
            try devices(Self.pod(own, container: named([["name": "a"]]))) == ["x=1", "x=all", "x=2", "x=3"])
        #expect(
            try devices(Self.pod(own, container: named([["name": "a", "request": "r2"]]))) == [
                "x=2", "x=all", "x=3",
            ])
        let both = named([["name": "a", "request": "r2"], ["name": "a", "request": "r1"]])
        #expect(try devices(Self.pod(own, container: both)) == ["x=2", "x=all", "x=3", "x=1"])
        #expect(try devices(Self.pod(own, container: ["name": "main"])).isEmpty)
        let missing = Self.pod(own, container: named([["name": "b"]]))
        #expect(
            Self.fault { () throws(Fault) in
                _ = try ledger.cdiDevices(missing.deviceClaims(of: missing.spec.containers[0]), in: "ns")
            } == "internal error: unable to get claim info for ResourceClaim two in namespace ns")

        // Devices for an extended resource, which the scheduler asked for by a claim of its own.
        let told: Value = [
            "extendedResourceClaimStatus": [
                "resourceClaimName": "one",
                "requestMappings": [
                    ["containerName": "main", "resourceName": "example.com/gpu", "requestName": "r1"],
                    ["containerName": "main", "resourceName": "example.com/nic", "requestName": "r2"],
                    ["containerName": "other", "resourceName": "example.com/gpu", "requestName": "r2"],
                ],
            ]
        ]
        let container: Value = ["name": "main", "resources": ["requests": ["example.com/gpu": "1"]]]
        #expect(try devices(Self.pod([], status: told, container: container)) == ["x=1", "x=all", "x=3"])
    }

    @Test func `a claim of the same name is not the same claim`() throws {
        var ledger = ClaimLedger()
        let name = ObjectName(namespace: "ns", name: "one")
        try ledger.use(name, uid: "c1", drivers: ["a.io"], by: "u1")
        try ledger.use(name, uid: "c1", drivers: ["a.io"], by: "u2")
        #expect(
            ledger.claims(of: "u1") == [name] && ledger.pods == ["u1", "u2"]
                && ledger.pods(with: "b.io").isEmpty)
        #expect(
            Self.fault { () throws(Fault) in try ledger.use(name, uid: "c2", drivers: ["a.io"], by: "u3") }
                == "old ResourceClaim with same name one and different UID c1 still exists (previous pod force-deleted?!)"
        )
        ledger.leave(name, "u1")
        #expect(ledger.claims(of: "u1").isEmpty && ledger.pods(with: "a.io") == ["u2"])
    }

    @Test func `a pod has not ended before its claims are taken back`() {
        let ended = PodCase(policy: "Never").sandbox(isReady: false).instance("a", exit: 0).with {
            $0.memory.end = PodEnd(phase: "Succeeded")
        }
        #expect(ended.outcome == ["release"] && ended.status.phase == "Succeeded")
        let holding = ended.with { $0.hasClaims = true }
        #expect(holding.outcome == ["unprepare"] && holding.status.phase == "Running")
        let running = PodCase().sandbox().instance("a").with { $0.hasClaims = true }
        #expect(running.outcome.isEmpty && running.deleted().outcome == ["stop a0 by 1030"])
    }

    @Test func `what a driver says of devices counts for a while`() throws {
        let start = ContinuousClock.now
        var health = ClaimHealth()
        func report(_ state: ClaimAPI.DeviceHealth.State, _ seconds: Int64 = 0, _ message: String = "")
            -> ClaimAPI.DeviceHealth
        {
            var report = ClaimAPI.DeviceHealth()
            (report.device.poolName, report.device.deviceName) = ("p", "1")
            (report.health, report.timeout, report.message) = (state, seconds, message)
            return report
        }
        // What `#expect` looks at must not change by that.
        func take(_ report: ClaimAPI.DeviceHealth, _ at: ContinuousClock.Instant) -> Bool {
            health.take("a.io", [report], at: at)
        }
        func lapse(_ seconds: Int) -> Bool { health.lapse("a.io", at: start + .seconds(seconds)) }
        func forget() -> Bool { health.forget("a.io") }
        let key = ClaimHealth.Key(pool: "p", device: "1")
        var state: String { health.report("a.io", key).health }
        #expect(state == "Unknown" && health.nextEnd("a.io") == nil)
        #expect(take(report(.healthy), start) && state == "Healthy")
        let later = start + .seconds(20)
        #expect(!take(report(.healthy), later) && health.nextEnd("a.io") == later + .seconds(30))
        #expect(!lapse(50) && lapse(51))
        #expect(state == "Unknown" && health.nextEnd("a.io") == nil)
        #expect(take(report(.unhealthy, 5, "hot"), later))
        #expect(health.nextEnd("a.io") == later + .seconds(5))
        #expect(health.report("a.io", key).message == "hot")
        #expect(take(report(.unhealthy, -1, String(repeating: "x", count: 1025)), later))
        #expect(health.report("a.io", key).message == String(repeating: "x", count: 1021) + "...")
        #expect(take(report(.unhealthy, .max), later), "and nothing overflows")
        #expect(forget() && !forget() && state == "Unknown")
    }

    @Test func `drivers speak one of two versions`() throws {
        let both = try DeviceDriverRegistration.service(among: ["v1.DRAPlugin", "v1beta1.DRAPlugin"])
        let old = try DeviceDriverRegistration.service(among: ["x", "v1beta1.DRAPlugin"])
        #expect(both == "v1.DRAPlugin" && old == "v1beta1.DRAPlugin")
        #expect(
            Self.fault { () throws(Fault) in _ = try DeviceDriverRegistration.service(among: []) }
                == "empty list of supported gRPC services (aka supported versions)")
        #expect(
            Self.fault { () throws(Fault) in
                _ = try DeviceDriverRegistration.service(among: ["1.0.0", "v2.DRAPlugin"])
            }
                == "none of services supported by the plugin ([\"1.0.0\" \"v2.DRAPlugin\"]) are supported by the kubelet "
                + "([\"v1.DRAPlugin\" \"v1beta1.DRAPlugin\"])")
    }
}
