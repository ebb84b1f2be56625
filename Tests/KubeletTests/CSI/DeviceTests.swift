import API
import APIMachinery
import Client
import Host
import Runtime
import Support
import Testing

@testable import Kubelet

/// Volumes that containers have as devices.
@Suite(.timeLimit(.minutes(1)))
struct DeviceTests {
    private static func pod(_ world: DriverWorld, readOnly: Bool = false) throws -> Pod {
        var pod = try world.pod(source: "persistentVolumeClaim: {claimName: data, readOnly: \(readOnly)}")
        pod.value[path: ["spec", "containers"]] = [
            ["name": "main", "volumeDevices": [["name": "data", "devicePath": "/dev/xvda"]]]
        ]
        return pod
    }

    @Test func `a driver's device is staged, published, given to the container and taken away`() async throws {
        try await DriverWorld.run(attaches: true) { world in
            try world.claim(spec: ", volumeMode: Block")
            try world.attach()
            let pod = try Self.pod(world)
            let volumes = try await world.mount(pod)
            let staged = try #require(world.driver.read(\.staged.first))
            #expect(staged.stagingTargetPath == world.layout.storagePlugins + "/volumeDevices/staging/pv")
            #expect(staged.volumeCapability?.block != nil && staged.volumeCapability?.mount == nil)
            let published = try #require(world.driver.read(\.published.first))
            #expect(
                published.targetPath == world.layout.storagePlugins + "/volumeDevices/publish/pv/\(pod.metadata.uid)")
            let device = try #require(try world.volumes.devices(of: pod.spec.containers[0], volumes).first)
            #expect(device.containerPath == "/dev/xvda" && device.permissions == "mrw")
            #expect(
                device.hostPath == world.layout.pod(pod.metadata.uid) + "/volumeDevices/kubernetes.io~csi/pv")
            #expect(try Files.target(ofLink: device.hostPath) == published.targetPath)

            try await world.unmount(pod)
            try await world.untilInUse([])
            #expect(world.driver.calls.suffix(2) == ["unpublish vol-1", "unstage vol-1"])
            #expect(!Files.exists(published.targetPath) && !Files.exists(staged.stagingTargetPath))
            #expect(!Files.exists(world.layout.storagePlugins + "/volumeDevices/pv"))
            #expect(!Files.exists(world.layout.storagePlugins + "/volumeDevices/publish/pv"))
        }
    }

    @Test func `a device is taken away by another process, too`() async throws {
        try await DriverWorld.run { world in
            try world.claim(spec: ", volumeMode: Block")
            let pod = try Self.pod(world)
            _ = try await world.mount(pod)
            try await world.restarted { later in
                later.register()
                try await later.unmount(pod)
                #expect(world.driver.calls.contains("unpublish vol-1"))
                #expect(!Files.exists(world.layout.publishedDevice("pv", podUID: pod.metadata.uid)))
            }
        }
    }

    @Test func `a device is no folder, and a folder no device`() async throws {
        try await DriverWorld.run { world in
            try world.claim(spec: ", volumeMode: Block")
            let pod = try Self.pod(world, readOnly: true)
            let volumes = try await world.mount(pod)
            #expect(try world.volumes.devices(of: pod.spec.containers[0], volumes).first?.permissions == "r")
            var container = Container()
            container.value["volumeMounts"] = [["name": "data", "mountPath": "/data"]]
            let mounting = container
            let fault = #expect(throws: Fault.self) {
                try world.volumes.mounts(of: mounting, in: pod, volumes, environment: [:])
            }
            #expect(fault?.summary == "volume data has volumeMode Block, but is specified in volumeMounts")
        }
        try await DriverWorld.run { world in
            try world.claim()
            let pod = try Self.pod(world)
            let volumes = try await world.mount(pod)
            let fault = #expect(throws: Fault.self) {
                try world.volumes.devices(of: pod.spec.containers[0], volumes)
            }
            #expect(fault?.summary == "volume data has volumeMode Filesystem, but is specified in volumeDevices")
        }
    }

    @Test func `a local device must be one`() async throws {
        try await DriverWorld.run { world in
            let path = world.root + "/file"
            try Files.write("no device", to: path)
            try world.claim()
            var volume = try #require(world.client.present(PersistentVolume.self, ObjectName(name: "pv")))
            volume.value[path: ["spec", "csi"]] = nil
            volume.value[path: ["spec", "local"]] = ["path": .string(path)]
            volume.spec.volumeMode = "Block"
            world.client.put(volume)
            #expect(await world.failure(try Self.pod(world)).hasSuffix("\(path) is not a block device"))
        }
    }

    @Test func `a link that leads elsewhere is replaced`() async throws {
        try await DriverWorld.run { world in
            let link = world.root + "/a/link"
            try DeviceLink.make(at: link, to: "/one")
            try DeviceLink.make(at: link, to: "/two")
            try DeviceLink.make(at: link, to: "/two")
            #expect(try Files.target(ofLink: link) == "/two")
        }
    }
}
