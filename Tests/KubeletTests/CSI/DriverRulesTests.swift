import API
import APIMachinery
import Client
import Host
import Runtime
import Support
import Testing
import Wire

@testable import Kubelet

/// What a CSIDriver object asks for, and what a driver can do.
@Suite(.timeLimit(.minutes(1)))
struct DriverRulesTests {
    private static let inline = "csi: {driver: a.io, volumeAttributes: {color: red}, readOnly: true}"

    @Test(arguments: [
        ("ReadWriteOnce", false, CSI.AccessMode.singleNodeWriter), ("ReadWriteOnce", true, .singleNodeMultiWriter),
        ("ReadWriteOncePod", false, .singleNodeWriter), ("ReadWriteOncePod", true, .singleNodeSingleWriter),
        ("ReadOnlyMany", true, .multiNodeReaderOnly), ("ReadWriteMany", false, .multiNodeMultiWriter),
    ])
    func `modes are passed on as the driver knows them`(mode: String, counts: Bool, expected: CSI.AccessMode) throws {
        var volume = PersistentVolume(name: "pv")
        volume.spec.accessModes = [mode]
        volume.value[path: ["spec", "csi"]] = ["driver": "a.io", "volumeHandle": "v"]
        let asked = try #require(CSIVolume(volume, isReadOnly: false))
        let capability = asked.capability(counts ? [.singleNodeMultiWriter] : [], group: 5)
        #expect(capability.accessMode.mode == expected)
        #expect(capability.mount?.volumeMountGroup == "")
        #expect(asked.capability([.volumeMountGroup], group: 5).mount?.volumeMountGroup == "5")
        #expect(asked.attachmentName(on: "n").count == 68)
    }

    @Test func `a volume that lives with its pod is published and no more`() async throws {
        try await DriverWorld.run(attaches: true) { world in
            try world.policy("{volumeLifecycleModes: [Ephemeral], podInfoOnMount: true}")
            let pod = try world.pod(source: Self.inline)
            let volumes = try await world.mount(pod)
            #expect(volumes.places["data"]?.isReadOnly == true)
            let request = try #require(world.driver.read(\.published.first))
            #expect(request.volumeID.hasPrefix("csi-") && request.volumeID.count == 68)
            #expect(request.readonly && request.stagingTargetPath.isEmpty)
            #expect(
                request.volumeContext == [
                    "color": "red", "csi.storage.k8s.io/pod.name": "web", "csi.storage.k8s.io/pod.namespace": "default",
                    "csi.storage.k8s.io/pod.uid": "uid-of-web", "csi.storage.k8s.io/serviceAccount.name": "robot",
                    "csi.storage.k8s.io/ephemeral": "true",
                ])
            try await world.unmount(pod)
            #expect(world.driver.calls.map { $0.split(separator: " ")[0] } == ["publish", "unpublish"])
        }
    }

    @Test func `kinds of volumes that a driver does not offer are refused`() async throws {
        try await DriverWorld.run { world in
            try world.policy("{attachRequired: false}")
            let pod = try world.pod(source: Self.inline)
            #expect(
                await world.failure(pod)
                    == #"MountVolume.NewMounter initialization failed for volume "data" : volume mode "Ephemeral" not "#
                    + #"supported by driver a.io (only supports ["Persistent"])"#)
            world.client.remove(CSIDriver.self, ObjectName(name: "a.io"))
            #expect(await world.failure(pod).hasSuffix("not supported by driver a.io (no CSIDriver object)"))
        }
    }

    @Test(arguments: [
        // The policy, the file system, the mode, whether the kubelet changes the group.
        ("ReadWriteOnceWithFSType", "ext4", "ReadWriteOnce", true),
        ("ReadWriteOnceWithFSType", "", "ReadWriteOnce", false),
        ("ReadWriteOnceWithFSType", "ext4", "ReadWriteMany", false), ("File", "", "ReadWriteMany", true),
        ("None", "ext4", "ReadWriteOnce", false),
    ])
    func `files are given to the group as the driver's policy has it`(
        policy: String, fsType: String, mode: String, isChanged: Bool
    ) async throws {
        try await DriverWorld.run { world in
            try world.policy("{attachRequired: false, fsGroupPolicy: \(policy)}")
            try world.claim(fsType.isEmpty ? "" : ", fsType: \(fsType)")
            var volume = try #require(world.client.present(PersistentVolume.self, ObjectName(name: "pv")))
            volume.spec.accessModes = [mode]
            world.client.put(volume)
            let pod = try world.pod(more: "{securityContext: {fsGroup: 4321}}")
            let path = try #require(try await world.mount(pod).path(of: "data"))
            #expect((try Files.status(of: path).owner.group == 4321) == isChanged)
        }
    }

    @Test func `a driver that gives files to a group is told the group`() async throws {
        try await DriverWorld.run([.stageUnstageVolume, .volumeMountGroup]) { world in
            try world.policy("{attachRequired: false, fsGroupPolicy: File}")
            try world.claim()
            let pod = try world.pod(more: "{securityContext: {fsGroup: 4321}}")
            let path = try #require(try await world.mount(pod).path(of: "data"))
            #expect(world.driver.read(\.staged.first?.volumeCapability?.mount?.volumeMountGroup) == "4321")
            #expect(world.driver.read(\.published.first?.volumeCapability?.mount?.volumeMountGroup) == "4321")
            #expect(try Files.status(of: path).owner.group != 4321)
        }
    }

    @Test(arguments: [false, true])
    func `tokens are passed where the driver wants them`(inSecrets: Bool) async throws {
        try await DriverWorld.run { world in
            try world.policy(
                """
                {attachRequired: false, tokenRequests: [{audience: ""}, {audience: vault, expirationSeconds: 600}],
                  serviceAccountTokenInSecrets: \(inSecrets)}
                """)
            try world.claim()
            _ = try await world.mount(try world.pod())
            let request = try #require(world.driver.read(\.published.first))
            let key = "csi.storage.k8s.io/serviceAccount.tokens"
            let text = try #require((inSecrets ? request.secrets : request.volumeContext)[key])
            #expect((inSecrets ? request.volumeContext : request.secrets)[key] == nil)
            let tokens = try Value(json: text)
            #expect(tokens.at("", "token") == "token for api" && tokens.at("vault", "token") == "token for vault")
            #expect(tokens.at("vault", "expirationTimestamp") == "2040-01-01T00:00:00Z")
        }
    }

    @Test func `a driver that wants it is called again while the volume is mounted`() async throws {
        try await DriverWorld.run { world in
            try world.policy("{attachRequired: false, requiresRepublish: true}")
            try world.claim()
            let pod = try world.pod()
            _ = try await world.mount(pod)
            let set = world.volumes.set(of: pod)
            #expect(await set.untilRenewal == StorageDrivers.republishing)
            _ = try await set.refresh(pod)
            world.advance(.seconds(61))
            _ = try await set.refresh(pod)
            try await world.nextWake()
            #expect(world.driver.calls == ["stage vol-1", "publish vol-1", "publish vol-1"])
            // Whoever asks next learns that it is done, and when it is due again.
            _ = try await set.refresh(pod)
            #expect(await set.untilRenewal == StorageDrivers.republishing)
            #expect(world.driver.read { $0.published[0] == $0.published[1] })
        }
    }

    @Test func `a claim that is read-only is published so`() async throws {
        try await DriverWorld.run { world in
            try world.claim()
            let pod = try world.pod(source: "persistentVolumeClaim: {claimName: data, readOnly: true}")
            #expect(try await world.mount(pod).places["data"]?.isReadOnly == true)
            #expect(world.driver.read(\.published.first?.readonly) == true)
        }
    }

    @Test(arguments: [
        (GRPCStatus.Code.internal, true), (.notFound, true), (.cancelled, false), (.deadlineExceeded, false),
        (.unavailable, false), (.resourceExhausted, false), (.aborted, false),
    ])
    func `only some failures leave no doubt`(code: GRPCStatus.Code, isFinal: Bool) {
        #expect(Fault("refused", GRPCStatus(code, "x")).isFinal == isFinal)
    }
}
