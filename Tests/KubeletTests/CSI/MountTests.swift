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
struct MountTests {
    private static let unique = "kubernetes.io/csi/a.io^vol-1"

    // MARK: The way of a volume

    @Test func `a volume is staged once, published for each pod, and unstaged after the last`() async throws {
        try await DriverWorld.run(attaches: true) { world in
            try world.claim(", volumeAttributes: {size: big}, fsType: ext4", spec: ", mountOptions: [noatime]")
            try world.attach(["device": "sda"])
            let (one, two) = (try world.pod("one"), try world.pod("two"))
            let path = try #require(try await world.mount(one).path(of: "data"))
            #expect(path == world.layout.pod("uid-of-one") + "/volumes/kubernetes.io~csi/pv/mount")
            #expect(world.inUse == [Self.unique])
            _ = try await world.mount(two)
            #expect(world.driver.calls == ["stage vol-1", "publish vol-1", "publish vol-1"])

            let staged = try #require(world.driver.read(\.staged.first))
            #expect(staged.stagingTargetPath == world.layout.staging(try world.volume).path)
            #expect(staged.stagingTargetPath.hasSuffix("/globalmount"))
            #expect(staged.publishContext == ["device": "sda"] && staged.volumeContext == ["size": "big"])
            #expect(staged.volumeCapability?.mount?.fsType == "ext4")
            #expect(staged.volumeCapability?.mount?.mountFlags == ["noatime"])
            #expect(staged.volumeCapability?.accessMode.mode == .singleNodeWriter)
            let published = try #require(world.driver.read(\.published.first))
            #expect(published.targetPath == path && published.stagingTargetPath == staged.stagingTargetPath)
            #expect(published.publishContext == ["device": "sda"] && published.volumeContext == ["size": "big"])

            try await world.unmount(one)
            #expect(!Files.exists(world.layout.pod("uid-of-one")))
            #expect(world.inUse == [Self.unique])
            try await world.unmount(two)
            try await world.untilInUse([])
            #expect(world.driver.calls.suffix(3) == ["unpublish vol-1", "unpublish vol-1", "unstage vol-1"])
            #expect(!Files.exists(staged.stagingTargetPath))
        }
    }

    @Test func `a driver that does not stage is not asked to`() async throws {
        try await DriverWorld.run([]) { world in
            try world.claim()
            let pod = try world.pod()
            _ = try await world.mount(pod)
            #expect(world.driver.read(\.published.first?.stagingTargetPath) == "")
            try await world.unmount(pod)
            #expect(world.driver.calls == ["publish vol-1", "unpublish vol-1"])
        }
    }

    @Test func `the files on the disk are those of Kubernetes`() async throws {
        try await DriverWorld.run { world in
            try world.claim()
            let path = try #require(try await world.mount(try world.pod()).path(of: "data"))
            let data = try Value(json: try Files.readText(Path.parent(of: path) + "/vol_data.json"))
            #expect(data["driverName"] == "a.io" && data["volumeHandle"] == "vol-1" && data["specVolID"] == "pv")
            #expect(data["nodeName"] == "node-1" && data["volumeLifecycleMode"] == "Persistent")
            #expect(data["attachmentID"]?.string == (try world.volume.attachmentName(on: "node-1")))
            let staged = try Files.readText(world.layout.staging(try world.volume).folder + "/vol_data.json")
            #expect(try Value(json: staged) == ["driverName": "a.io", "volumeHandle": "vol-1"])
        }
    }

    // MARK: Attaching

    @Test func `mounting begins when the node's status says that the volume is attached`() async throws {
        try await DriverWorld.run(attaches: true) { world in
            try world.claim()
            let pod = try world.pod()
            let fault = await #expect(throws: Fault.self) { try await world.volumes.mount(pod) }
            #expect(fault?.isUnderWay == true)
            await world.client.waitForObservers { $0 >= 2 }
            #expect(world.driver.calls.isEmpty && world.inUse.isEmpty)
            try world.attach(["lun": "3"])
            _ = try await world.mount(pod)
            #expect(world.driver.read(\.published.first?.publishContext) == ["lun": "3"])
        }
    }

    @Test func `a pod that goes while it waits is not waited for`() async throws {
        try await DriverWorld.run(attaches: true) { world in
            try world.claim()
            let pod = try world.pod()
            _ = try? await world.volumes.mount(pod)
            await world.client.waitForObservers { $0 >= 2 }
            try await world.unmount(pod)
            #expect(world.driver.calls.isEmpty && world.inUse.isEmpty)
            #expect(!Files.exists(world.layout.pod(pod.metadata.uid)))
        }
    }

    @Test func `an attachment that goes, or is not there, is told`() async throws {
        try await DriverWorld.run(attaches: true) { world in
            try world.claim()
            try world.attach()
            let name = ObjectName(name: try world.volume.attachmentName(on: "node-1"))
            var going = try #require(world.client.present(VolumeAttachment.self, name))
            going.metadata.deletionTimestamp = .now
            world.client.put(going)
            #expect(
                await world.failure(try world.pod())
                    == "MountVolume.WaitForAttach failed for volume \"pv\" : volume attachment is being deleted")
            world.client.remove(VolumeAttachment.self, name)
            #expect(await world.failure(try world.pod()).contains("GET error for volume attachment \(name.name)"))
        }
    }

    // MARK: Failures

    @Test func `a refusal is told in the driver's words, leaves nothing, and is tried anew`() async throws {
        try await DriverWorld.run { world in
            try world.claim()
            let pod = try world.pod()
            world.driver.fail("stage", .internal, "no disk")
            #expect(
                await world.failure(pod)
                    == "MountVolume.MountDevice failed for volume \"pv\" : rpc error: code = Internal desc = no disk")
            #expect(!Files.exists(world.layout.staging(try world.volume).folder))
            world.driver.fail("publish", .failedPrecondition, "not formatted")
            #expect(
                await world.failure(pod) == "MountVolume.SetUp failed for volume \"pv\" : "
                    + "rpc error: code = FailedPrecondition desc = not formatted")
            #expect(!Files.exists(world.layout.publishedVolumes(podUID: pod.metadata.uid) + "/pv"))
            _ = try await world.mount(pod)
            #expect(world.driver.calls == ["stage vol-1", "stage vol-1", "publish vol-1", "publish vol-1"])
        }
    }

    @Test func `what a broken-off call may have done is undone`() async throws {
        try await DriverWorld.run { world in
            try world.claim()
            let pod = try world.pod()
            world.driver.fail("publish", .deadlineExceeded, "too slow")
            #expect(await world.failure(pod).contains("DeadlineExceeded"))
            try await world.unmount(pod)
            #expect(world.driver.calls.prefix(3) == ["stage vol-1", "publish vol-1", "unpublish vol-1"])
            #expect(!Files.exists(world.layout.pod(pod.metadata.uid)))
        }
    }

    @Test func `a volume that was perhaps staged is unstaged when its pod goes`() async throws {
        try await DriverWorld.run(attaches: true) { world in
            try world.claim()
            try world.attach()
            let pod = try world.pod()
            world.driver.fail("stage", .unavailable, "gone away")
            #expect(await world.failure(pod).contains("Unavailable"))
            #expect(world.inUse == [Self.unique])
            try await world.unmount(pod)
            try await world.untilInUse([])
            #expect(world.driver.calls == ["stage vol-1", "unstage vol-1"])
        }
    }

    @Test func `a pod waits for its driver and is woken by it`() async throws {
        try await DriverWorld.run { world in
            try world.claim()
            world.unregister()
            let pod = try world.pod()
            #expect(
                await world.failure(pod) == "MountVolume.MountDevice failed for volume \"pv\" : kubernetes.io/csi: "
                    + "attacher.MountDevice failed to create newCsiDriverClient: driver name a.io not found in the "
                    + "list of registered CSI drivers")
            world.register()
            try await world.nextWake()
            _ = try await world.mount(pod)
        }
    }

    @Test func `a pod does not go before its driver has let its volume go`() async throws {
        try await DriverWorld.run { world in
            try world.claim()
            let pod = try world.pod()
            _ = try await world.mount(pod)
            world.driver.fail("unpublish", .internal, "busy")
            let fault = await #expect(throws: Fault.self) { try await world.unmount(pod) }
            #expect(fault?.summary.contains("UnmountVolume.TearDown failed for volume \"pv\"") == true)
            #expect(fault?.summary.contains("rpc error: code = Internal desc = busy") == true)
            #expect(Files.exists(world.layout.pod(pod.metadata.uid)))
            try await world.unmount(pod)
            #expect(!Files.exists(world.layout.pod(pod.metadata.uid)))
        }
    }

    @Test func `what a driver left in its folder is not deleted`() async throws {
        try await DriverWorld.run { world in
            try world.claim()
            let pod = try world.pod()
            let path = try #require(try await world.mount(pod).path(of: "data"))
            let kept = world.root + "/kept"
            try Files.makeDirectory(kept)
            try Files.write("precious", to: kept + "/file")
            // A mount of the driver's, of which it says that it took it away.
            world.driver.change { $0.leaves = true }
            try Mounts.bind(kept, at: path)
            let fault = await #expect(throws: Fault.self) { try await world.unmount(pod) }
            #expect(fault?.summary.contains("still mounted") == true)
            #expect(try Files.readText(kept + "/file") == "precious")
            try Mounts.unmount(path)
            try Files.write("precious", to: path + "/file")
            let second = await #expect(throws: Fault.self) { try await world.unmount(pod) }
            #expect(second?.summary.contains("not empty") == true)
            #expect(Files.exists(path + "/file"))
        }
    }

    // MARK: Secrets

    @Test func `secrets are read for each step, and one that is missing is awaited`() async throws {
        try await DriverWorld.run { world in
            try world.claim(
                ", nodeStageSecretRef: {name: a, namespace: sys}, nodePublishSecretRef: {name: b, namespace: sys}")
            var secret = Secret(namespace: "sys", name: "a")
            secret.data = ["key": Array("1".utf8)]
            world.client.put(secret)
            let pod = try world.pod()
            let fault = await #expect(throws: Fault.self) { try await world.mount(pod) }
            #expect(fault?.summary.contains("fetching NodePublishSecretRef sys/b failed") == true)
            #expect(fault?.objectsRead?.revisions.keys.map(\.name) == [ObjectName(namespace: "sys", name: "b")])
            secret = Secret(namespace: "sys", name: "b")
            secret.data = ["key": Array("2".utf8)]
            world.client.put(secret)
            _ = try await world.mount(pod)
            #expect(world.driver.read(\.staged.first?.secrets) == ["key": "1"])
            #expect(world.driver.read(\.published.first?.secrets) == ["key": "2"])
        }
    }

    // MARK: What is found after a restart

    @Test func `a running pod keeps its volume while its driver is away`() async throws {
        try await DriverWorld.run { world in
            try world.claim()
            var pod = try world.pod()
            let path = try #require(try await world.mount(pod).path(of: "data"))
            pod.status.phase = "Running"
            let running = pod
            try await world.restarted { later in
                #expect(await later.failure(running).contains("not found in the list"), "nothing is mounted there")
                try Mounts.mountMemory(at: path)
                #expect(try await later.mount(running).path(of: "data") == path)
                try Mounts.unmount(path)
                #expect(world.driver.calls == ["stage vol-1", "publish vol-1"])
            }
        }
    }

    @Test func `a volume that nobody has any more is unstaged when its driver comes`() async throws {
        try await DriverWorld.run(attaches: true) { world in
            try world.claim()
            try world.attach()
            let pod = try world.pod()
            _ = try await world.mount(pod)
            // As if killed after the pod had gone: what lives on meanwhile must not be the one that looks for it.
            world.unregister()
            try Files.remove(world.layout.pod(pod.metadata.uid))
            world.driver.change { $0.calls = [] }
            try await world.restarted { later in
                later.register()
                try await later.untilInUse([])
                #expect(later.driver.calls == ["unstage vol-1"])
            }
        }
    }

    @Test func `another process takes away what this one mounted`() async throws {
        try await DriverWorld.run { world in
            try world.claim()
            let pod = try world.pod()
            _ = try await world.mount(pod)
            try await world.restarted { later in
                later.register()
                try await later.unmount(pod)
                #expect(world.driver.calls.contains("unpublish vol-1"))
                #expect(!Files.exists(world.layout.pod(pod.metadata.uid)))
            }
        }
    }
}
