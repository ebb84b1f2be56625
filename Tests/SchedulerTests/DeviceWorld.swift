import API
import APIMachinery
import Client
import ClientTestSupport
import Logging

@testable import Scheduler

/// A cluster of two nodes with devices, and a scheduler in it.
struct DeviceWorld: Sendable {
    let api = MemoryAPI()

    init() async throws {
        for name in ["a", "b"] {
            var node = Node(name: name)
            node.value["status"] = ["allocatable": ["cpu": "2", "memory": "4Gi", "pods": "9"]]
            try await api.create(node)
        }
    }

    func create(_ resource: GroupVersionResource, _ name: String, _ spec: Value, in namespace: String = "") async throws {
        var metadata: Value = ["name": .string(name)]
        if !namespace.isEmpty { metadata["namespace"] = .string(namespace) }
        let target = Target(resource, namespace: namespace)
        _ = try await api.create(target, ["metadata": metadata, "spec": spec], WriteOptions())
    }

    /// A pool of its own with these devices; on all nodes unless one is named.
    func offer(_ pool: String, _ devices: Value..., on node: String? = nil) async throws {
        var spec: Value = [
            "driver": "gpu.example", "pool": ["name": .string(pool), "generation": 1, "resourceSliceCount": 1],
            "devices": .array(devices),
        ]
        if let node { spec["nodeName"] = .string(node) } else { spec["allNodes"] = true }
        try await create(.resourceSlices, pool, spec)
    }

    func createClass(_ name: String, for resource: String? = nil) async throws {
        var spec: Value = ["selectors": [["cel": ["expression": "device.driver == 'gpu.example'"]]]]
        if let resource { spec["extendedResourceName"] = .string(resource) }
        try await create(.deviceClasses, name, spec)
    }

    func createPod(_ name: String, _ spec: Value) async throws {
        var spec = spec
        spec["schedulerName"] = "default-scheduler"
        try await api.create(Pod(["metadata": ["name": .string(name), "namespace": "ns"], "spec": spec]))
    }

    var claims: [Value] {
        get async throws { try await api.list(Target(.resourceClaims, namespace: "ns"), ListOptions()).items.map(\.value) }
    }

    func claim(_ name: String) async throws -> Value {
        try await api.get(Target(.resourceClaims, namespace: "ns", name: name)).value
    }

    /// The condition of the device that the claim has.
    func tell(_ name: String, _ type: String) async throws {
        var claim = try await claim(name)
        let result = claim.at("status", "allocation", "devices", "results")?.array?.first ?? [:]
        var device: Value = ["conditions": [["type": .string(type), "status": "True", "reason": "R", "message": "M"]]]
        for field in ["driver", "pool", "device"] { device[field] = result[field] }
        claim[path: ["status", "devices"]] = [device]
        let target = Target(.resourceClaims, namespace: "ns", name: name, subresource: "status")
        _ = try await api.update(target, claim, WriteOptions())
    }

    func waitFor(_ pod: String, on node: String) async {
        await api.wait { $0.peek(Pod.self, pod, in: "ns")?.spec.nodeName == node }
    }

    /// The messages of the events of a reason.
    func events(_ reason: String) -> [String] {
        api.peek(all: Event.self).filter { $0.reason == reason }.map(\.message)
    }

    func whileScheduling(_ body: () async throws -> Void) async throws {
        let scheduler = Scheduler(client: api, log: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await scheduler.run() }
            defer { group.cancelAll() }
            try await body()
        }
    }
}
