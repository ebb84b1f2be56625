import API
import APIMachinery
import Client
import Host
import Logging
import Runtime
import Support
import Synchronization

@testable import Kubelet

/// A node with one storage driver that only remembers, and the volumes of its pods. Everything goes with the test.
final class DriverWorld: Sendable {
    static let driverName = "a.io"

    let root: String
    let layout: KubeletLayout
    let client: MemoryClient
    let driver: ScriptedDriver
    let volumes: PodVolumes
    private let woken: AsyncStream<String>
    private let time: Clock

    /// What a test says that it is.
    final class Clock: Sendable {
        private let instant = Mutex(Timestamp(seconds: 1_800_000_000))
        var now: Timestamp { instant.withLock(\.self) }
        func advance(_ duration: Duration) { instant.withLock { $0 = $0 + duration } }
    }

    func advance(_ duration: Duration) { time.advance(duration) }

    private init(_ root: String, _ client: MemoryClient, _ driver: ScriptedDriver) {
        self.root = root
        self.client = client
        self.driver = driver
        layout = KubeletLayout(root: root + "/kubelet")
        let (stream, input) = AsyncStream<String>.makeStream()
        woken = stream
        let time = Clock()
        self.time = time
        var log = Logger(label: "test")
        log.logLevel = .critical
        volumes = PodVolumes(
            layout: layout, client: client, nodeName: "node-1", log: log, wake: { input.yield($0) }
        ) { time.now }
    }

    /// Runs a node while `body` runs; its driver is registered, and needs no attachments unless `attaches`.
    static func run(
        _ capabilities: Set<CSI.NodeCapability> = [.stageUnstageVolume], attaches: Bool = false,
        _ body: @escaping @Sendable (DriverWorld) async throws -> Void
    ) async throws {
        let root = "/tmp/kubelet-csi-\(UInt32.random(in: 0...UInt32.max))"
        try Files.makeDirectory(root + "/kubelet/pods")
        defer {
            try? Mounts.unmountAll(below: root)
            try? Files.remove(root)
        }
        let client = MemoryClient { _, request throws(Status) in
            var answer = request
            let audience = request.at("spec", "audiences")?.array?.first?.string ?? "api"
            answer["status"] = [
                "token": .string("token for \(audience)"), "expirationTimestamp": "2040-01-01T00:00:00Z",
            ]
            return answer
        }
        var node = Node(name: "node-1")
        node.metadata.uid = "uid-n"
        client.put(node)
        var object = CSIDriver(name: driverName)
        object.spec.attachRequired = attaches
        client.put(object)
        let world = DriverWorld(root, client, ScriptedDriver(capabilities))
        world.register()
        try await world.live { try await body(world) }
    }

    /// The same node after k3s was killed, while `body` runs: it knows what is on the disk.
    func restarted(_ body: @escaping @Sendable (DriverWorld) async throws -> Void) async throws {
        let world = DriverWorld(root, client, driver)
        try await world.live { try await body(world) }
    }

    private func live(_ body: @escaping @Sendable () async throws -> Void) async throws {
        try await withThrowingTaskGroup { group in
            group.addTask { await self.volumes.run() }
            group.addTask { try await body() }
            try await group.next()
            group.cancelAll()
        }
    }

    func register() {
        volumes.storage.register(
            CSIDrivers.Driver(
                name: Self.driverName, socket: "/registration", service: driver, info: driver.read(\.info)))
    }

    func unregister() { volumes.storage.drivers.remove(Self.driverName, socket: "/registration") }

    // MARK: Objects

    /// A volume `pv`, bound to the claim `data`. `source` and `spec` are fields in YAML.
    func claim(_ source: String = "", spec: String = "") throws {
        let volume = try YAML.document(
            """
            metadata: {name: pv}
            spec: {accessModes: [ReadWriteOnce], claimRef: {uid: c-1, namespace: default, name: data},
              csi: {driver: a.io, volumeHandle: vol-1\(source)}\(spec)}
            """)
        client.put(PersistentVolume(volume))
        client.put(
            PersistentVolumeClaim(
                try YAML.document(
                    """
                    metadata: {name: data, namespace: default, uid: c-1}
                    spec: {volumeName: pv}
                    status: {phase: Bound}
                    """)))
    }

    func pod(
        _ name: String = "web", source: String = "persistentVolumeClaim: {claimName: data}", more: String = "{}"
    ) throws -> Pod {
        var pod = Pod(namespace: "default", name: name)
        pod.metadata.uid = "uid-of-\(name)"
        pod.value["spec"] = try YAML.document(more)
        pod.spec.serviceAccountName = "robot"
        pod.value[path: ["spec", "volumes"]] = .array([try YAML.document("{name: data, \(source)}")])
        pod.value[path: ["spec", "containers"]] = [
            ["name": "main", "volumeMounts": [["name": "data", "mountPath": "/data"]]]
        ]
        return pod
    }

    func policy(_ spec: String) throws {
        var object = CSIDriver(name: Self.driverName)
        object.value["spec"] = try YAML.document(spec)
        client.put(object)
    }

    /// What the controller and the program beside the driver do.
    func attach(_ metadata: [String: String] = [:]) throws {
        var attachment = VolumeAttachment(name: try volume.attachmentName(on: "node-1"))
        attachment.status.attached = true
        attachment.status.attachmentMetadata = metadata
        client.put(attachment)
        try client.change(Node.self, ObjectName(name: "node-1")) { node in
            var attached = AttachedVolume()
            attached.name = "kubernetes.io/csi/a.io^vol-1"
            node.status.volumesAttached = [attached]
        }
    }

    var volume: CSIVolume {
        get throws {
            guard let object = client.present(PersistentVolume.self, ObjectName(name: "pv")),
                let volume = CSIVolume(object, isReadOnly: false)
            else { throw Fault(.notFound, "no volume") }
            return volume
        }
    }

    var inUse: [String] {
        client.present(Node.self, ObjectName(name: "node-1"))?.status.volumesInUse ?? []
    }

    // MARK: What a kubelet does

    /// Asks until it is more than under way.
    func mount(_ pod: Pod) async throws -> MountedVolumes {
        while true {
            do throws(Fault) { return try await volumes.mount(pod) } catch {
                // A `where` here crashes the compiler (Swift 6.3).
                guard error.isUnderWay else { throw error }
            }
            try await nextWake()
        }
    }

    func unmount(_ pod: Pod) async throws {
        while true {
            do throws(Fault) { return try await volumes.unmount(podUID: pod.metadata.uid) } catch {
                guard error.isUnderWay else { throw error }
            }
            try await nextWake()
        }
    }

    /// What mounting fails with.
    func failure(_ pod: Pod) async -> String {
        do {
            _ = try await mount(pod)
            return "nothing"
        } catch {
            return (error as? Fault)?.summary ?? "\(error)"
        }
    }

    func nextWake() async throws {
        for await _ in woken { return }
        throw Fault(.failed, "nobody wakes")
    }

    /// Suspends until the claim is as the condition says.
    func untilClaim(_ condition: @escaping @Sendable (PersistentVolumeClaim) -> Bool) async throws {
        let set = try await client.observe(PersistentVolumeClaim.self)
        let (news, input) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let observation = set.observe { _ in input.yield() }
        defer { observation.cancel() }
        input.yield()
        let name = ObjectName(namespace: "default", name: "data")
        for await _ in news where set.get(PersistentVolumeClaim.self, name).map(condition) == true { return }
    }

    /// Suspends until the Node says that just these volumes are in use.
    func untilInUse(_ names: [String]) async throws {
        let set = try await client.observe(Node.self)
        let (news, input) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let observation = set.observe { _ in input.yield() }
        defer { observation.cancel() }
        input.yield()
        for await _ in news where inUse == names { return }
    }
}
