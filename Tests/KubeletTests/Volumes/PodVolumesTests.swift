import API
import APIMachinery
import Client
import Host
import Runtime
import Support
import Testing

@testable import Kubelet

@Suite struct PodVolumesTests {
    private static let token = """
        [{name: api, projected: {sources: [
          {serviceAccountToken: {path: token, expirationSeconds: 1000, audience: vault}}]}}]
        """

    @Test func `each kind stands where Kubernetes has it`() async throws {
        try await VolumeWorld.run { world in
            world.configMap("conf", ["a": "1"])
            world.secret("pass", ["word": "hush"])
            let pod = try world.pod(
                """
                - {name: scratch, emptyDir: {sizeLimit: 1Gi}}
                - {name: memory, emptyDir: {medium: Memory, sizeLimit: 1Mi}}
                - {name: conf, configMap: {name: conf}}
                - {name: pass, secret: {secretName: pass, defaultMode: 256}}
                - {name: host, hostPath: {path: \(world.root)/data, type: DirectoryOrCreate}}
                """)
            let volumes = try await world.volumes.mount(pod)
            let folder = world.layout.pod(pod.metadata.uid) + "/volumes/kubernetes.io~"
            #expect(volumes.path(of: "scratch") == folder + "empty-dir/scratch")
            #expect(volumes.path(of: "host") == world.root + "/data")
            #expect(try world.content(folder + "configmap/conf") == ["a": "1"])
            #expect(try world.content(folder + "secret/pass") == ["word": "hush"])
            #expect(try Files.status(of: folder + "secret/pass/word").mode == 0o400)
            #expect(try Mounts.isMountPoint(folder + "secret/pass"), "secrets never reach the disk")
            #expect(try !Mounts.isMountPoint(folder + "configmap/conf"))
            #expect(try Files.space(at: folder + "empty-dir/memory").total == .mebibytes(1))
            #expect(try Files.status(of: folder + "empty-dir/memory").mode == 0o777)
            #expect(try Files.status(of: folder + "empty-dir/scratch").mode == 0o777)
        }
    }

    @Test func `giving back keeps what is not the pod's own`() async throws {
        try await VolumeWorld.run { world in
            let data = world.root + "/data"
            try Files.makeDirectory(data + "/part")
            try Files.write("precious", to: data + "/part/file")
            let pod = try world.pod(
                "[{name: host, hostPath: {path: \(data)}}, {name: memory, emptyDir: {medium: Memory}}]")
            let volumes = try await world.volumes.mount(pod)
            var container = pod.spec.containers[0]
            container.volumeMounts[0].subPath = "part"
            let mounts = try world.volumes.mounts(of: container, in: pod, volumes, environment: [:])
            #expect(try Files.readText(mounts[0].hostPath + "/file") == "precious")
            #expect(try world.volumes.podsOnDisk() == [pod.metadata.uid])

            try await world.volumes.unmount(podUID: pod.metadata.uid)
            try await world.volumes.unmount(podUID: pod.metadata.uid)
            #expect(try world.volumes.podsOnDisk() == [])
            #expect(try Files.readText(data + "/part/file") == "precious")
            #expect(try Mounts.all().allSatisfy { !Path.isInside($0.path, world.root) })
        }
    }

    @Test func `a mount that is busy keeps everything until it can be taken away`() async throws {
        try await VolumeWorld.run { world in
            let pod = try world.pod("[{name: memory, emptyDir: {medium: Memory}}]")
            let path = try #require(try await world.volumes.mount(pod).path(of: "memory"))
            try Files.append([1], to: path + "/file")
            var user: Descriptor? = try Files.reference("file", beneath: path)
            let fault = await #expect(throws: Fault.self) {
                try await world.volumes.unmount(podUID: pod.metadata.uid)
            }
            #expect(fault?.code == .conflict)
            #expect(Files.exists(path + "/file"))
            withExtendedLifetime(user) {}
            user = nil
            try await world.volumes.unmount(podUID: pod.metadata.uid)
            #expect(!Files.exists(path))
        }
    }

    @Test func `another process finds what is there, and gives it back too`() async throws {
        try await VolumeWorld.run { world in
            world.configMap("conf", ["a": "1"])
            let pod = try world.pod(
                "[{name: conf, configMap: {name: conf}}, {name: m, emptyDir: {medium: Memory}}]")
            let volumes = try await world.volumes.mount(pod)
            let path = try #require(volumes.path(of: "m"))
            try Files.append([1], to: path + "/file")
            let conf = try #require(volumes.path(of: "conf"))
            let data = try Files.target(ofLink: conf + "/..data")

            let again = try await world.restarted().mount(pod)
            #expect(again == volumes)
            #expect(Files.exists(path + "/file"), "memory is not mounted over itself")
            #expect(try Files.target(ofLink: conf + "/..data") == data)
            try await world.restarted().unmount(podUID: pod.metadata.uid)
            #expect(try world.volumes.podsOnDisk() == [])
        }
    }

    @Test func `what is missing is waited for`() async throws {
        try await VolumeWorld.run { world in
            let pod = try world.pod("[{name: conf, configMap: {name: conf}}]")
            let fault = await #expect(throws: Fault.self) { try await world.volumes.mount(pod) }
            #expect(fault?.code == .notFound)
            #expect(
                fault?.summary
                    == "MountVolume.SetUp failed for volume \"conf\" : configmap \"conf\" not found")
            world.configMap("conf", ["a": "1"])
            let path = try #require(try await world.volumes.mount(pod).path(of: "conf"))
            #expect(try world.content(path) == ["a": "1"])
        }
    }

    @Test(arguments: [
        "cephfs: {monitors: [m]}", "rbd: {image: i}", "iscsi: {lun: 1}",
    ])
    func `a kind that this version has not is named`(source: String) async throws {
        try await VolumeWorld.run { world in
            let kind = String(source.prefix { $0 != ":" })
            let pod = try world.pod("[{name: v, \(source)}]")
            let fault = await #expect(throws: Fault.self) { try await world.volumes.mount(pod) }
            #expect(fault?.code == .unsupported)
            #expect(fault?.summary.contains("kind \(kind)") == true)
        }
    }

    @Test func `objects are observed while a pod refers to them, each once`() async throws {
        try await VolumeWorld.run { world in
            world.configMap("conf", [:])
            world.secret("pass", [:])
            let volumes = "[{name: c, configMap: {name: conf}}, {name: s, secret: {secretName: pass}}]"
            let (first, second) = (try world.pod(volumes), try world.pod(volumes, name: "other"))
            _ = try await world.volumes.mount(first)
            _ = try await world.volumes.mount(second)
            #expect(world.client.observerCount == 2)
            try await world.volumes.unmount(podUID: first.metadata.uid)
            #expect(world.client.observerCount == 2)
            try await world.volumes.unmount(podUID: second.metadata.uid)
            #expect(world.client.observerCount == 0)
        }
    }

    @Test func `files follow the object, and outlive its deletion`() async throws {
        try await VolumeWorld.run { world in
            world.configMap("conf", ["a": "1"])
            let pod = try world.pod("[{name: c, configMap: {name: conf}}]")
            let path = try #require(try await world.volumes.mount(pod).path(of: "c"))
            let name = ObjectName(namespace: "default", name: "conf")
            try await follow(
                world, path,
                [
                    ({ world.configMap("conf", ["a": "2", "b": "3"]) }, ["a": "2", "b": "3"]),
                    (
                        {
                            world.client.remove(ConfigMap.self, name)
                            world.configMap("conf", ["c": "4"])
                        }, ["c": "4"]
                    ),
                ])
        }
    }

    @Test func `labels of the pod appear in downwardAPI volumes`() async throws {
        try await VolumeWorld.run { world in
            var pod = try world.pod(
                "[{name: d, downwardAPI: {items: [{path: app, fieldRef: {fieldPath: \"metadata.labels['app']\"}}]}}]"
            )
            let path = try #require(try await world.volumes.mount(pod).path(of: "d"))
            #expect(try world.content(path) == ["app": "web"])
            pod.metadata.labels["app"] = "shop"
            let changed = pod
            try await follow(world, path, [({ world.volumes.update(changed) }, ["app": "shop"])])
        }
    }

    @Test func `a token is bound to the pod, and renewed before it expires`() async throws {
        try await VolumeWorld.run { world in
            let pod = try world.pod(Self.token, more: "{securityContext: {runAsUser: 1000, fsGroup: 2000}}")
            let path = try #require(try await world.volumes.mount(pod).path(of: "api"))
            #expect(try world.content(path) == ["token": "token-1"])
            let status = try Files.status(of: path + "/token")
            #expect(status.mode == 0o640 && status.owner == FileOwner(user: 1000, group: 2000))
            let spec = world.issuer.requests[0]["spec"]
            #expect(spec?["audiences"] == ["vault"])
            #expect(spec?["boundObjectRef"]?["uid"] == "uid-of-web")
            #expect(world.client.writes == ["create /api/v1/namespaces/default/serviceaccounts/robot/token"])

            world.issuer.advance(.seconds(799))
            _ = try await world.volumes.mount(pod)
            #expect(world.issuer.requests.count == 1)
            world.issuer.advance(.seconds(1))
            // Its instant has come, as the volumes find out at the next look.
            var changed = pod
            changed.metadata.labels = ["x": "y"]
            let later = changed
            try await follow(world, path, [({ world.volumes.update(later) }, ["token": "token-2"])])
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func `a token of a running pod is renewed when its time has come, and daily`() async throws {
        // Two seconds live for one; ten years for a day.
        for (life, pause) in [(2, Duration.seconds(1)), (10 * 365 * 24 * 3600, .seconds(24 * 3600))] {
            try await VolumeWorld.run { world in
                let token = Self.token.replacing("expirationSeconds: 1000", with: "expirationSeconds: \(life)")
                let pod = try world.pod(token)
                let path = try #require(try await world.volumes.mount(pod).path(of: "api"))
                #expect(world.issuer.requests[0].at("spec", "expirationSeconds") == .integer(Int64(life)))
                let isShort = life == 2
                if !isShort {
                    world.issuer.advance(pause + .seconds(-1))
                    _ = try await world.volumes.mount(pod)
                    #expect(world.issuer.requests.count == 1)
                }
                world.issuer.advance(isShort ? pause : .seconds(1))
                // The short one has its own deadline; the clock of the other was moved.
                let change = { if !isShort { world.volumes.clockWasSet() } }
                try await follow(world, path, [(change, ["token": "token-2"])])
                #expect(world.issuer.requests.count == 2)
            }
        }
    }

    @Test func `the node's own files get the label of the container, the machine's do not`() async throws {
        try await VolumeWorld.run { world in
            world.configMap("conf", ["a": "1"])
            let pod = try world.pod(
                "[{name: conf, configMap: {name: conf}}, {name: e, emptyDir: {}}, "
                    + "{name: h, hostPath: {path: /etc}}]")
            let places = try await world.volumes.mount(pod).places
            #expect(places.filter(\.value.isRelabelled).keys.sorted() == ["conf", "e"])
        }
    }

    /// Runs the volumes, makes each change, and waits until the volume's folder shows what must come of it.
    private func follow(
        _ world: VolumeWorld, _ path: String, _ steps: [(change: () -> Void, content: [String: String])]
    ) async throws {
        let watch = try FileWatch()
        try watch.add(path)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await world.volumes.run() }
            var events = watch.makeAsyncIterator()
            for step in steps {
                step.change()
                while (try? world.content(path)) != step.content { _ = try await events.next() }
            }
            group.cancelAll()
        }
    }
}
