import API
import APIMachinery
import Client
import ClientTestSupport
import Support
import Testing

@testable import Controllers

/// The loops of StatefulSets and DaemonSets on an API in memory: what they write, and that they may end anywhere.
@Suite(.timeLimit(.minutes(2))) struct WorkloadLoopTests {
    private static let controllers: [any Controller] = [StatefulSetController(), DaemonSetController()]

    @Test func `a stateful set makes claims and pods, and rolls its template out and back`() async throws {
        let api = MemoryAPI()
        // Events are named by the time.
        try await running(Self.controllers + [WellNodes()], on: api, now: { .now }) {
            try await api.create(Self.stateful(replicas: 2))
            await api.wait { Self.isSettled(Self.stateful($0), 2) }
            #expect(api.peek(all: Pod.self).map(\.metadata.name) == ["web-0", "web-1"])
            #expect(api.peek(all: PersistentVolumeClaim.self).map(\.metadata.name) == ["data-web-0", "data-web-1"])
            let first = try #require(Self.stateful(api)?.status.currentRevision)

            try await Self.setImage("two", StatefulSet.self, "web", api)
            await api.wait { Self.isSettled(Self.stateful($0), 2) && Self.images($0) == ["two", "two"] }
            let second = try #require(Self.stateful(api)?.status.currentRevision)
            #expect(first != second)

            // As `kubectl rollout undo` does it.
            let past = try #require(api.peek(ControllerRevision.self, first, in: "default")?.data)
            try await api.patch(StatefulSet.self, Self.name("web"), .strategicMerge(past))
            await api.wait { Self.isSettled(Self.stateful($0), 2) && Self.images($0) == ["one", "one"] }
            #expect(Self.stateful(api)?.status.updateRevision == first)
            #expect(api.peek(all: ControllerRevision.self).map(\.revision).sorted() == [2, 3])
            #expect(api.peek(ControllerRevision.self, first, in: "default")?.revision == 3)

            for message in [
                "create Claim data-web-0 Pod web-0 in StatefulSet web success",
                "create Pod web-0 in StatefulSet web successful",
                "delete Pod web-1 in StatefulSet web successful",
            ] {
                await api.wait { $0.peek(all: Event.self).contains { $0.message == message } }
            }
        }
    }

    @Test func `a daemon set follows its nodes and its template`() async throws {
        let api = MemoryAPI()
        for name in ["a", "b"] { try await api.create(Node(name: name)) }
        try await running(Self.controllers + [WellNodes()], on: api) {
            try await api.create(Self.daemon())
            await api.wait { Self.isSettled(Self.daemon($0), 2) }
            try await api.create(Node(name: "c"))
            await api.wait { Self.isSettled(Self.daemon($0), 3) }
            try await Self.setImage("two", DaemonSet.self, "agent", api)
            await api.wait { Self.isSettled(Self.daemon($0), 3) && Set(Self.images($0)) == ["two"] }
            #expect(api.peek(all: Pod.self).count == 3)

            // Its revision is made again when somebody takes it away, and no pod is the worse for it.
            let before = api.peek(all: Pod.self).map(\.metadata.uid)
            let newest = try #require(api.peek(all: ControllerRevision.self).max { $0.revision < $1.revision })
            try await api.delete(ControllerRevision.self, newest.objectName)
            await api.wait { api in
                let present = api.peek(all: ControllerRevision.self)
                return present.contains { $0.data == newest.data && $0.metadata.uid != newest.metadata.uid }
            }
            #expect(api.peek(all: Pod.self).map(\.metadata.uid) == before)
            #expect(api.peek(all: ControllerRevision.self).map(\.metadata.name).contains(newest.metadata.name))
        }
    }

    @Test func `a revision whose name is taken gets another`() async throws {
        let api = MemoryAPI()
        let set = try await api.create(Self.stateful(replicas: 0))
        guard case .create(var other) = RevisionHistory(set.spec.template, []).step(for: set) else {
            Issue.record("a set without revisions needs one")
            return
        }
        other.metadata.labels = [:]
        other.metadata.ownerReferences = []
        other.data = ["other": 1]
        try await api.create(other)
        try await running(Self.controllers, on: api) {
            await api.wait { Self.stateful($0)?.status.updateRevision.isEmpty == false }
        }
        #expect(Self.stateful(api)?.status.collisionCount == 1)
        #expect(Self.stateful(api)?.status.updateRevision != other.metadata.name)
    }

    @Test func `revisions beyond the limit are dropped, those in use are not`() async throws {
        let api = MemoryAPI()
        try await running(Self.controllers + [WellNodes()], on: api) {
            try await api.create(Self.stateful(replicas: 1))
            for image in ["two", "three", "four"] {
                await api.wait { Self.isSettled(Self.stateful($0), 1) }
                try await Self.setImage(image, StatefulSet.self, "web", api)
                await api.wait { Self.images($0) == [image] }
            }
            await api.wait { Self.isSettled(Self.stateful($0), 1) && $0.peek(all: ControllerRevision.self).count == 2 }
            #expect(api.peek(all: ControllerRevision.self).map(\.revision).sorted() == [3, 4])
        }
    }

    @Test func `a pod with a name of another kind is let go, one of the set's names is adopted`() async throws {
        let api = MemoryAPI()
        for name in ["web-0", "web-x"] {
            var pod = Pod(namespace: "default", name: name)
            pod.metadata.labels = ["app": "web"]
            try await api.create(pod)
        }
        try await running(Self.controllers + [WellNodes()], on: api) {
            try await api.create(Self.stateful(replicas: 1))
            await api.wait { api in
                api.peek(Pod.self, "web-0", in: "default")?.metadata.controller?.name == "web"
                    && Self.isSettled(Self.stateful(api), 1)
            }
            #expect(api.peek(Pod.self, "web-x", in: "default")?.metadata.controller == nil)
        }
    }

    /// After which write either controller may end and begin anew.
    @Test(arguments: 1...24) func `an end after any write changes nothing in the end`(writes: Int) async throws {
        let api = MemoryAPI()
        for name in ["a", "b"] { try await api.create(Node(name: name)) }
        try await api.create(Self.stateful(replicas: 2))
        try await api.create(Self.daemon())
        try await running([WellNodes()], on: api) {
            let mortal = MortalAPI(api, writes: writes)
            try await running(Self.controllers, on: mortal) {
                await withTaskGroup { group in
                    group.addTask { await mortal.waitForEnd() }
                    // Should there be fewer writes than that.
                    group.addTask { await api.wait { Self.isSettled(Self.stateful($0), 2) && Self.isSettled(Self.daemon($0), 2) } }
                    await group.next()
                    group.cancelAll()
                }
            }
            try await Self.setImage("two", StatefulSet.self, "web", api)
            try await Self.setImage("two", DaemonSet.self, "agent", api)
            let again = MortalAPI(api, writes: writes)
            try await running(Self.controllers, on: again) {
                await withTaskGroup { group in
                    group.addTask { await again.waitForEnd() }
                    group.addTask { await api.wait { Self.isRolledOut($0) } }
                    await group.next()
                    group.cancelAll()
                }
            }
            try await running(Self.controllers, on: api) { await api.wait { Self.isRolledOut($0) } }
        }
        let pods = api.peek(all: Pod.self)
        #expect(pods.filter { $0.metadata.controller?.kind == "StatefulSet" }.map(\.metadata.name) == ["web-0", "web-1"])
        #expect(pods.compactMap { $0.metadata.controller?.kind == "DaemonSet" ? DaemonPod.node(of: $0) : nil }.sorted() == ["a", "b"])
        #expect(api.peek(all: PersistentVolumeClaim.self).map(\.metadata.name) == ["data-web-0", "data-web-1"])
        for kind in ["StatefulSet", "DaemonSet"] {
            let revisions = api.peek(all: ControllerRevision.self).filter { $0.metadata.controller?.kind == kind }
            #expect(revisions.map(\.revision).sorted().last == revisions.count, "\(kind): \(revisions.map(\.revision))")
        }
    }

    @Test func `two of each controller at once make no pod twice`() async throws {
        let api = MemoryAPI()
        for name in ["a", "b"] { try await api.create(Node(name: name)) }
        try await running(Self.controllers + Self.controllers + [WellNodes()], on: api) {
            try await api.create(Self.stateful(replicas: 3))
            try await api.create(Self.daemon())
            await api.wait { Self.isSettled(Self.stateful($0), 3) && Self.isSettled(Self.daemon($0), 2) }
            try await Self.setImage("two", StatefulSet.self, "web", api)
            await api.wait { api in
                Self.isSettled(Self.stateful(api), 3)
                    && api.peek(all: Pod.self).filter { $0.metadata.name.hasPrefix("web-") }
                        .allSatisfy { $0.spec.containers.first?.image == "two" }
            }
        }
        for name in ["web-0", "web-1", "web-2"] {
            #expect(api.journal.count { $0 == "create pods default/\(name)" } == 2, "\(name)")
            #expect(api.journal.count { $0 == "delete pods default/\(name)" } == 1, "\(name)")
        }
    }

    // MARK: Helpers

    private static func name(_ name: String) -> ObjectName { ObjectName(namespace: "default", name: name) }

    private static func stateful(_ api: MemoryAPI) -> StatefulSet? { api.peek(StatefulSet.self, "web", in: "default") }

    private static func daemon(_ api: MemoryAPI) -> DaemonSet? { api.peek(DaemonSet.self, "agent", in: "default") }

    private static func images(_ api: MemoryAPI) -> [String] {
        api.peek(all: Pod.self).compactMap { $0.spec.containers.first?.image }
    }

    private static func isSettled(_ set: StatefulSet?, _ count: Int) -> Bool {
        guard let status = set?.status else { return false }
        return status.readyReplicas == count && status.replicas == count && status.updatedReplicas == count
            && status.currentRevision == status.updateRevision
    }

    private static func isSettled(_ set: DaemonSet?, _ count: Int) -> Bool {
        guard let status = set?.status else { return false }
        return status.desiredNumberScheduled == count && status.numberAvailable == count
            && status.updatedNumberScheduled == count
    }

    private static func isRolledOut(_ api: MemoryAPI) -> Bool {
        isSettled(stateful(api), 2) && isSettled(daemon(api), 2) && images(api) == ["two", "two", "two", "two"]
    }

    private static func setImage<R: ResourceView>(
        _ image: String, _: R.Type, _ name: String, _ api: MemoryAPI
    ) async throws {
        let container: Value = ["name": "c", "image": .string(image)]
        let template: Value = ["spec": ["containers": [container]]]
        try await api.patch(R.self, Self.name(name), .merge(["spec": ["template": template]]))
    }

    private static func template(_ app: String) -> Value {
        [
            "metadata": ["labels": ["app": .string(app)]],
            "spec": ["containers": [["name": "c", "image": "one"]]],
        ]
    }

    private static func stateful(replicas: Int64) -> StatefulSet {
        var set = StatefulSet(namespace: "default", name: "web")
        set.value["spec"] = [
            "replicas": .integer(replicas), "serviceName": "peers", "selector": ["matchLabels": ["app": "web"]],
            "template": template("web"), "revisionHistoryLimit": 1,
            "updateStrategy": ["type": "RollingUpdate", "rollingUpdate": ["partition": 0]],
            "volumeClaimTemplates": [["metadata": ["name": "data"]]],
        ]
        return set
    }

    private static func daemon() -> DaemonSet {
        var set = DaemonSet(namespace: "default", name: "agent")
        set.value["spec"] = [
            "selector": ["matchLabels": ["app": "agent"]], "template": template("agent"), "revisionHistoryLimit": 10,
            "updateStrategy": ["type": "RollingUpdate", "rollingUpdate": ["maxUnavailable": 1, "maxSurge": 0]],
        ]
        return set
    }
}
