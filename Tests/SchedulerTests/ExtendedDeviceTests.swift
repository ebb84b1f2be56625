import API
import APIMachinery
import Client
import ClientTestSupport
import Testing

@testable import Scheduler

/// Extended resources that classes of devices stand for (KEP-5004).
@Suite(.timeLimit(.minutes(1))) struct ExtendedDeviceTests {
    private static let gpu = "example.com/gpu"

    private static func container(_ name: String, _ amount: Int, _ more: [String: Value] = [:]) -> Value {
        var container: Value = ["name": .string(name)]
        container[path: ["resources", "requests"]] = .object(Fields([("cpu", "1"), (gpu, .string(String(amount)))]))
        for (key, value) in more { container[key] = value }
        return container
    }

    private func share(_ first: [Value], _ rest: [Value], on node: Node = Given.node("a")) throws -> ExtendedDevices.Share? {
        let way = try DeviceNeed.way(of: "gpu") { _ in [:] }
        let requests = ExtendedRequest.all(of: ["initContainers": .array(first), "containers": .array(rest)])
        let cluster = Given.cluster(node)
        return ExtendedDevices(requests: requests, ways: [Self.gpu: way]).share(on: cluster.order[0])
    }

    private func text(_ share: ExtendedDevices.Share?) -> [String] {
        guard let share else { return [] }
        return share.asks.map { "\($0.name)=\($0.count)" } + share.mappings.map { "\($0.container):\($0.ask)" }
    }

    @Test func `each container that stays has devices of its own`() throws {
        let share = try share([], [Self.container("x", 1), ["name": "y"], Self.container("z", 2)])
        #expect(text(share) == [
            "container-0-request-1=1", "container-2-request-1=2", "x:container-0-request-1", "z:container-2-request-1",
        ])
        #expect(try self.share([], [Self.container("x", 0)])?.asks == [])
    }

    @Test func `containers that end use the devices of those that come, and share what they need beyond`() throws {
        let share = try share(
            [Self.container("i", 1), Self.container("j", 4), Self.container("k", 5)], [Self.container("x", 2)])
        #expect(text(share) == [
            "container-2-request-1=3", "container-3-request-1=2",
            "x:container-3-request-1", "i:container-3-request-1",
            "j:container-3-request-1", "j:container-2-request-1",
            "k:container-3-request-1", "k:container-2-request-1",
        ])
        // One that stays came before: it does not share.
        let beside = try self.share([Self.container("s", 1, ["restartPolicy": "Always"]), Self.container("i", 1)], [])
        #expect(text(beside) == [
            "container-0-request-1=1", "container-1-request-1=1", "s:container-0-request-1", "i:container-1-request-1",
        ])
    }

    @Test func `a node that has the resource needs no devices`() throws {
        let node = Given.node("a") { $0[path: ["status", "allocatable", Self.gpu]] = "4" }
        #expect(try share([], [Self.container("x", 1)], on: node) == nil)
    }

    @Test func `a pod gets devices for an extended resource, and its status says which`() async throws {
        let world = try await DeviceWorld()
        try await world.createClass("gpu", for: Self.gpu)
        try await world.offer("p", ["name": "g1"], on: "b")
        try await world.whileScheduling {
            try await world.createPod("p", ["containers": [Self.container("c", 1)]])
            await world.waitFor("p", on: "b")
            let claim = try #require(try await world.claims.first)
            let name = try #require(claim.at("metadata", "name")?.string)
            #expect(name.hasPrefix("p-extended-resources-"))
            #expect(claim.at("metadata", "annotations") == ["resource.kubernetes.io/extended-resource-claim": "true"])
            let owner = claim.at("metadata", "ownerReferences")?.array?.first
            #expect(owner?["kind"] == "Pod" && owner?["name"] == "p" && owner?["controller"] == true)
            #expect(claim.at("metadata", "finalizers") == ["resource.kubernetes.io/delete-protection"])
            let request: Value = [
                "name": "container-0-request-1",
                "exactly": ["deviceClassName": "gpu", "allocationMode": "ExactCount", "count": 1],
            ]
            #expect(claim.at("spec", "devices", "requests") == [request])
            #expect(claim.at("status", "allocation", "devices", "results")?.array?.first?["device"] == "g1")
            #expect(claim.at("status", "allocation", "allocationTimestamp") != nil)
            #expect(claim.at("status", "reservedFor")?.array?.first?["name"] == "p")
            let mapping: Value = [
                "containerName": "c", "resourceName": "example.com/gpu", "requestName": "container-0-request-1",
            ]
            let told = world.api.peek(Pod.self, "p", in: "ns")?.value.at("status", "extendedResourceClaimStatus")
            #expect(told == ["resourceClaimName": .string(name), "requestMappings": [mapping]])
        }
    }

    @Test func `a class has a resource of its name, and who finds no class or device waits for one`() async throws {
        let world = try await DeviceWorld()
        let implicit = "deviceclass.resource.kubernetes.io/gpu"
        try await world.whileScheduling {
            var container: Value = ["name": "c"]
            container[path: ["resources", "requests"]] = .object(Fields([(implicit, "1")]))
            try await world.createPod("p", ["containers": [container]])
            await world.api.wait { _ in
                world.events("FailedScheduling").contains { $0.hasPrefix("0/2 nodes are available: 2 Insufficient \(implicit).") }
            }
            try await world.createClass("gpu")
            await world.api.wait { _ in
                world.events("FailedScheduling").contains {
                    $0.hasPrefix("0/2 nodes are available: 2 cannot allocate all claims. still not schedulable, preemption: ")
                }
            }
            try await world.offer("p", ["name": "g1"], on: "a")
            await world.waitFor("p", on: "a")
        }
    }

    @Test func `a claim that an attempt left behind is deleted`() async throws {
        let world = try await DeviceWorld()
        try await world.createClass("gpu", for: Self.gpu)
        try await world.offer("p", ["name": "g1"], on: "b")
        try await world.createPod("p", ["containers": [Self.container("c", 1)]])
        let uid = try #require(world.api.peek(Pod.self, "p", in: "ns")?.metadata.uid)
        let owner: Value = ["apiVersion": "v1", "kind": "Pod", "name": "p", "uid": .string(uid), "controller": true]
        let metadata: Value = [
            "name": "left", "namespace": "ns", "ownerReferences": [owner],
            "annotations": ["resource.kubernetes.io/extended-resource-claim": "true"],
            "finalizers": ["resource.kubernetes.io/delete-protection"],
        ]
        let claim: Value = ["metadata": metadata, "spec": ["devices": [:]]]
        _ = try await world.api.create(Target(.resourceClaims, namespace: "ns"), claim, WriteOptions())
        try await world.whileScheduling {
            await world.waitFor("p", on: "b")
            let names = try await world.claims.compactMap { $0.at("metadata", "name")?.string }
            #expect(names.contains("left") == false)
            #expect(world.events("FailedScheduling").contains {
                $0.hasPrefix("0/2 nodes are available: 2 cannot schedule extended resource claim. deletion of ResourceClaim completed, ")
            })
        }
    }

    @Test func `of several classes the youngest stands for a resource, then the first by name`() async throws {
        let world = try await DeviceWorld()
        let sets = try await DeviceSets(world.api)
        let observations = sets.observe {}
        defer { for observation in observations { observation.cancel() } }
        func create(_ name: String, at time: String) async throws {
            let metadata: Value = ["name": .string(name), "creationTimestamp": .string(time)]
            let spec: Value = ["extendedResourceName": "example.com/gpu"]
            _ = try await world.api.create(Target(.deviceClasses), ["metadata": metadata, "spec": spec], WriteOptions())
        }
        func standing() -> String? {
            let pod = Given.pod("q", ["containers": [Self.container("c", 1)]])
            return sets.facts(of: pod).extended?.ways[Self.gpu]?.className
        }
        #expect(standing() == nil)
        try await create("m", at: "2026-01-02T00:00:00Z")
        try await create("old", at: "2026-01-01T00:00:00Z")
        #expect(standing() == "m")
        try await create("b", at: "2026-01-02T00:00:00Z")
        #expect(standing() == "b")
        for name in ["b", "m"] { _ = try await world.api.delete(Target(.deviceClasses, name: name), DeletionOptions()) }
        #expect(standing() == "old")
    }
}
