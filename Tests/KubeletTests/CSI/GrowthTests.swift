import API
import APIMachinery
import Client
import Host
import Runtime
import Support
import Testing
import Wire

@testable import Kubelet

@Suite(.timeLimit(.minutes(1)))
struct GrowthTests {
    private static func claim(_ status: String, asks: String = "2Gi") throws -> PersistentVolumeClaim {
        PersistentVolumeClaim(
            try YAML.document(
                """
                metadata: {name: data, namespace: default, uid: c-1}
                spec: {volumeName: pv, resources: {requests: {storage: \(asks)}}}
                status: {phase: Bound, \(status)}
                """))
    }

    private static func volume(_ capacity: String) -> PersistentVolume {
        var volume = PersistentVolume(name: "pv")
        volume.spec.capacity = ["storage": capacity]
        return volume
    }

    @Test(arguments: [
        ("capacity: {storage: 1Gi}", "2Gi", Int64(2) << 30), ("capacity: {storage: 2Gi}", "2Gi", nil),
        ("capacity: {storage: 1Gi}", "1Gi", nil), ("accessModes: []", "2Gi", nil),
        ("capacity: {storage: 1Gi}, allocatedResourceStatuses: {storage: NodeResizeInfeasible}", "2Gi", nil),
        ("capacity: {storage: 1Gi}, allocatedResourceStatuses: {storage: NodeResizePending}", "2Gi", 2 << 30),
        ("capacity: {storage: \"1\"}", "9000000000000000000000", .max),
    ])
    func `a file system grows to the size of its volume`(status: String, capacity: String, bytes: Int64?) throws {
        let growth = ClaimGrowth(claim: try Self.claim(status), volume: Self.volume(capacity))
        #expect(growth.wanted == bytes)
    }

    @Test func `a claim says how large it is, and that nothing goes on any more`() throws {
        let claim = try Self.claim(
            """
            capacity: {storage: 1Gi}, allocatedResourceStatuses: {storage: NodeResizePending},
              conditions: [{type: FileSystemResizePending, status: "True"}, {type: Other, status: "True"}]
            """)
        let growth = ClaimGrowth(claim: claim, volume: Self.volume("2Gi"))
        #expect(growth.begun?.at("status", "allocatedResourceStatuses", "storage") == "NodeResizeInProgress")
        #expect(growth.infeasible?.at("status", "allocatedResourceStatuses", "storage") == "NodeResizeInfeasible")
        #expect(growth.done.at("status", "capacity", "storage") == "2Gi")
        #expect(growth.done.at("status", "conditions")?.array?.count == 1)
        #expect(growth.done.at("status", "allocatedResourceStatuses", "storage") == .null)
        // Whoever made it larger does not follow the steps.
        let plain = ClaimGrowth(claim: try Self.claim("capacity: {storage: 1Gi}"), volume: Self.volume("2Gi"))
        #expect(plain.begun == nil && plain.infeasible == nil)
        #expect(plain.done.at("status", "allocatedResourceStatuses") == nil)
    }

    @Test func `a volume that grew while it is mounted is expanded by its driver, once`() async throws {
        try await DriverWorld.run([.stageUnstageVolume, .expandVolume]) { world in
            try world.claim(", nodeExpandSecretRef: {name: a, namespace: sys}", spec: ", capacity: {storage: 1Gi}")
            world.client.put(try Self.claim("capacity: {storage: 1Gi}", asks: "1Gi"))
            var secret = Secret(namespace: "sys", name: "a")
            secret.data = ["key": Array("1".utf8)]
            world.client.put(secret)
            let pod = try world.pod()
            let path = try #require(try await world.mount(pod).path(of: "data"))
            #expect(world.driver.calls.count == 2)
            // The program beside the driver: first the volume, then the claim.
            var volume = try #require(world.client.present(PersistentVolume.self, ObjectName(name: "pv")))
            volume.spec.capacity = ["storage": "2Gi"]
            world.client.put(volume)
            world.driver.fail("expand", .internal, "not now")
            world.client.put(
                try Self.claim(
                    "capacity: {storage: 1Gi}, conditions: [{type: FileSystemResizePending, status: \"True\"}]"))
            try await world.untilClaim { $0.status.capacity["storage"] == "2Gi" && $0.status.conditions.isEmpty }
            #expect(world.driver.calls.suffix(2) == ["expand vol-1", "expand vol-1"], "tried again")
            let request = try #require(world.driver.read(\.expanded.first))
            #expect(request.volumePath == path && request.stagingTargetPath.hasSuffix("/globalmount"))
            #expect(request.capacityRange?.requiredBytes == 2 << 30)
            #expect(request.secrets == ["key": "1"])
        }
    }

    @Test func `a volume that grew before it was mounted is expanded, too`() async throws {
        try await DriverWorld.run([.expandVolume]) { world in
            try world.claim(spec: ", capacity: {storage: 2Gi}")
            world.client.put(try Self.claim("capacity: {storage: 1Gi}"))
            _ = try await world.mount(try world.pod())
            try await world.untilClaim { $0.status.capacity["storage"] == "2Gi" }
            #expect(world.driver.calls == ["publish vol-1", "expand vol-1"])
        }
    }

    @Test func `what the driver cannot make larger is not asked of it again`() async throws {
        try await DriverWorld.run([.expandVolume]) { world in
            try world.claim(spec: ", capacity: {storage: 2Gi}")
            world.client.put(
                try Self.claim("capacity: {storage: 1Gi}, allocatedResourceStatuses: {storage: NodeResizePending}"))
            world.driver.fail("expand", .outOfRange, "too large")
            let pod = try world.pod()
            _ = try await world.mount(pod)
            try await world.untilClaim {
                $0.status.allocatedResourceStatuses["storage"] == "NodeResizeInfeasible"
            }
            try await world.unmount(pod)
            #expect(world.driver.calls == ["publish vol-1", "expand vol-1", "unpublish vol-1"])
        }
    }

    @Test func `how full volumes are is told by the pod's names for them`() async throws {
        try await DriverWorld.run([.getVolumeStats]) { world in
            try world.claim()
            world.driver.change { state in
                var usage = CSI.VolumeUsage()
                (usage.available, usage.total, usage.used, usage.unit) = (60, 100, 40, .bytes)
                state.stats.usage = [usage]
            }
            let pod = try world.pod()
            #expect(await world.volumes.volumeUsages().isEmpty)
            _ = try await world.mount(pod)
            let usage = try #require(await world.volumes.volumeUsages()[pod.metadata.uid]?.first)
            #expect(usage.name == "data" && usage.claim == ObjectName(namespace: "default", name: "data"))
            #expect(usage.usage.first?.available == 60)
            world.unregister()
            #expect(await world.volumes.volumeUsages()[pod.metadata.uid]?.isEmpty == true)
        }
    }
}
