import API
import APIMachinery
import Addons
import Client
import ClientTestSupport
import Controllers
import Host
import Logging
import Scheduler
import Support

/// The parts that give pods their volumes, on an API in memory and a directory of this machine.
struct Cluster {
    let api: MemoryAPI
    let root: String

    /// Runs the parts while `body` runs.
    static func run(
        reclaimPolicy: String = "Delete", _ body: (Cluster) async throws -> Void
    ) async throws {
        let temporary = try makeTemporaryDirectory()
        defer { try? Files.remove(temporary) }
        let cluster = Cluster(api: MemoryAPI(), root: temporary + "/storage")
        try await LocalPathObjects.createMissing(cluster.api)
        var storageClass = LocalPathObjects.storageClass
        storageClass.reclaimPolicy = reclaimPolicy
        try await cluster.api.update(storageClass)
        try await cluster.createNode("n1")
        let log = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        let context = ControllerContext(
            client: cluster.api, events: EventRecorder(cluster.api, component: "test"), log: log)
        let controllers = ControllerGroup([
            PersistentVolumeBinder(), ClaimProtection(), VolumeProtection(),
            LocalPathProvisioner(storageRoot: cluster.root, nodeName: "n1"),
        ])
        let scheduler = Scheduler(client: cluster.api, log: log)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await controllers.run(context) }
            group.addTask { try await scheduler.run() }
            try await body(cluster)
            group.cancelAll()
        }
    }

    func create<R: ResourceView>(_ object: R) async throws { try await api.create(object) }

    func createNode(_ name: String) async throws {
        var node = Node(name: name)
        node.metadata.labels["kubernetes.io/hostname"] = name
        node.status.value["allocatable"] = ["cpu": "2", "memory": "4Gi", "pods": "110"]
        try await api.create(node)
    }

    func pod(_ api: MemoryAPI) -> Pod? { api.peek(Pod.self, "volume-test", in: "default") }

    func claim(_ api: MemoryAPI) -> PersistentVolumeClaim? {
        api.peek(PersistentVolumeClaim.self, "local-path-pvc", in: "default")
    }
}

/// The events that were written.
struct Events {
    private let events: [Value]

    init(in api: MemoryAPI) { events = api.peek(all: Event.self).map(\.value) }

    func has(_ reason: String) -> Bool { !messages(reason).isEmpty }

    func messages(_ reason: String) -> [String] {
        events.filter { $0["reason"] == .string(reason) }.compactMap { $0["message"]?.string }
    }
}

extension String {
    func replacingPrefix(_ prefix: String, by other: String) -> String {
        hasPrefix(prefix) ? other + dropFirst(prefix.count) : self
    }
}
