import API
import APIMachinery
import APIServer
import Client
import ClientTestSupport
import Support
import Testing

@testable import Controllers

/// Deletions of an owner, carried out on an API.
@Suite(.timeLimit(.minutes(1))) struct CollectionTests {
    @Test func `in the background dependents go after their owner`() async throws {
        try await withFamily { api, owner in
            try await api.delete(
                ReplicaSet.self, owner.objectName, DeletionOptions(propagation: .background))
            await api.wait { $0.peek(all: Pod.self).isEmpty }
            #expect(api.journal.first { $0.hasPrefix("delete") } == "delete replicasets default/owner")
        }
    }

    @Test func `in the foreground the owner waits for those that block it`() async throws {
        try await withFamily { api, owner in
            let held = ObjectName(namespace: "default", name: "pod-1")
            let hold: Value = ["metadata": ["finalizers": ["example.com/hold"]]]
            try await api.patch(Pod.self, held, .merge(hold))
            try await api.delete(
                ReplicaSet.self, owner.objectName, DeletionOptions(propagation: .foreground))
            await api.wait { $0.peek(all: Pod.self).count == 1 }
            await api.wait { $0.peek(Pod.self, "pod-1", in: "default")?.metadata.deletionTimestamp != nil }
            #expect(api.peek(ReplicaSet.self, "owner", in: "default") != nil)
            try await api.patch(Pod.self, held, .merge(["metadata": ["finalizers": .null]]))
            try await api.delete(Pod.self, held, DeletionOptions(gracePeriodSeconds: 0))
            await api.wait { $0.peek(all: ReplicaSet.self).isEmpty }
        }
    }

    @Test func `orphans stay, and name their owner no more`() async throws {
        try await withFamily { api, owner in
            try await api.delete(ReplicaSet.self, owner.objectName, DeletionOptions(propagation: .orphan))
            await api.wait { $0.peek(all: ReplicaSet.self).isEmpty }
            #expect(api.peek(all: Pod.self).count == 2)
            #expect(api.peek(all: Pod.self).allSatisfy { $0.metadata.ownerReferences.isEmpty })
        }
    }

    @Test func `who has another owner loses only the one that is gone`() async throws {
        try await withFamily { api, owner in
            var other = ReplicaSet(namespace: "default", name: "other")
            other = try await api.create(other)
            var shared = try #require(api.peek(Pod.self, "pod-1", in: "default"))
            shared.metadata.ownerReferences.append(other.controllerReference)
            try await api.update(shared)
            try await api.delete(ReplicaSet.self, owner.objectName)
            await api.wait { api in
                api.peek(all: Pod.self).map(\.metadata.ownerReferences.count) == [1]
            }
            #expect(api.peek(all: Pod.self).first?.metadata.ownerReferences.first?.uid == other.metadata.uid)
        }
    }

    @Test func `those that own each other in a circle go`() async throws {
        let api = MemoryAPI()
        var circle: [ReplicaSet] = []
        for number in 0..<3 {
            circle.append(try await api.create(ReplicaSet(namespace: "default", name: "set-\(number)")))
        }
        for number in 0..<3 {
            circle[number].metadata.ownerReferences = [circle[(number + 2) % 3].controllerReference]
            try await api.update(circle[number])
        }
        try await running([GarbageCollector()], on: api) {
            try await api.delete(
                ReplicaSet.self, circle[0].objectName, DeletionOptions(propagation: .foreground))
            await api.wait { $0.peek(all: ReplicaSet.self).isEmpty }
        }
    }

    @Test func `owners in other namespaces own nothing, and what is of the cluster is kept`() async throws {
        try await withServer { server in
            let admin = server.client()
            try await admin.create(Namespace(name: "other"))
            let owner = try await admin.create(ConfigMap(namespace: "other", name: "owner"))
            var reference = OwnerReference()
            (reference.apiVersion, reference.kind) = ("v1", "ConfigMap")
            (reference.name, reference.uid) = ("owner", owner.metadata.uid)
            var (child, role) = (ConfigMap(namespace: "default", name: "child"), ClusterRole(name: "child"))
            child.metadata.ownerReferences = [reference]
            role.metadata.ownerReferences = [reference]
            role = try await admin.create(role)
            child = try await admin.create(child)
            let client = server.controllerClient("generic-garbage-collector")
            try await running([GarbageCollector()], on: client, now: { .now }) {
                _ = try await wait(for: ConfigMap.self, child.objectName, admin) { $0 == nil }
                for told in [child.metadata.uid, role.metadata.uid] {
                    try await wait(among: Event.self, admin) {
                        $0.reason == "OwnerRefInvalidNamespace" && $0.involvedObject.uid == told
                    }
                }
            }
            #expect(try await admin.find(ClusterRole.self, role.objectName) != nil)
            #expect(try await admin.find(ConfigMap.self, owner.objectName) != nil)
        }
    }

    /// A set that owns two pods, and a collector at work.
    private func withFamily(_ body: (MemoryAPI, ReplicaSet) async throws -> Void) async throws {
        let api = MemoryAPI()
        let owner = try await api.create(ReplicaSet(namespace: "default", name: "owner"))
        for number in 1...2 {
            var pod = Pod(namespace: "default", name: "pod-\(number)")
            pod.metadata.ownerReferences = [owner.controllerReference]
            try await api.create(pod)
        }
        try await running([GarbageCollector()], on: api) { try await body(api, owner) }
    }
}
