import API
import APIMachinery
import Client
import Support
import Testing

@testable import Controllers

@Suite struct DaemonSetTests {
    @Test func `each node that suits gets one pod, and what is over goes`() {
        hold(
            """
            daemon selector=ssd
            nodes a b c
            label a ssd=yes
            label b ssd=yes
            step
            step
            status
            ----
            create a v1
            create b v1
            wanted 2 there 2 astray 0
            ready 0 available 0 unavailable 2 updated 2

            ready
            label a
            label c ssd=yes
            step
            status
            ----
            delete a v1
            create c v1
            wanted 2 there 2 astray 1
            ready 1 available 1 unavailable 1 updated 2

            gone
            copy b
            step
            ----
            delete b v1

            # A pod that waits for a node that is gone would wait for ever.
            lose c
            step
            ----
            delete c v1
            """)
    }

    @Test func `taints keep pods away, or drive them out`() {
        hold(
            """
            daemon
            nodes a b c d
            taint a mine:NoSchedule
            taint b mine:NoExecute
            taint c mine:PreferNoSchedule node.kubernetes.io/not-ready:NoExecute node.kubernetes.io/unschedulable:NoSchedule
            taint d node.kubernetes.io/network-unavailable:NoSchedule
            step
            ----
            create c v1

            taint a
            taint b
            step
            ----
            create a v1
            create b v1

            taint a mine:NoSchedule
            taint b mine:NoExecute
            step
            status
            ----
            delete b v1
            wanted 1 there 1 astray 2
            ready 0 available 0 unavailable 1 updated 1
            """)
    }

    @Test func `a rolling update leaves no more nodes without a pod than it may`() {
        hold(
            """
            daemon unavailable=1
            nodes a b c
            step
            ready
            image v2
            step
            step
            ----
            create a v1
            create b v1
            create c v1
            delete a v1

            gone
            step
            step
            ----
            create a v2

            # An old pod that is not available costs nothing.
            unready c
            step
            ----
            delete c v1

            gone
            step
            ready
            step
            ----
            create c v2
            delete b v1

            gone
            step
            ready
            step
            status
            ----
            create b v2
            wanted 3 there 3 astray 0
            ready 3 available 3 unavailable 0 updated 3
            """)
    }

    @Test func `a surge puts the new pod beside the old one first`() {
        hold(
            """
            daemon unavailable=0 surge=1 minReady=5
            nodes a b
            step
            ready
            after 5
            image v2
            step
            step
            ----
            create a v1
            create b v1
            create a v2

            ready a/v2
            step
            deadline
            ----
            5 s

            after 5
            step
            gone
            step
            ----
            delete a v1
            create b v2

            # The old one is of no use any more.
            unready b/v1
            step
            ----
            delete b v1
            """)
    }

    @Test func `an update waits for whoever deletes the pods`() {
        hold(
            """
            daemon strategy=OnDelete
            nodes a
            step
            ready
            image v2
            step
            status
            ----
            create a v1
            wanted 1 there 1 astray 0
            ready 1 available 1 unavailable 0 updated 0
            """)
    }

    @Test func `a pod that is over is replaced, but not too often`() {
        hold(
            """
            daemon
            nodes a
            step
            phase a Failed
            step
            step
            ----
            create a v1
            delete a v1 FailedDaemonPod
            create a v1

            gone
            phase a Failed
            pause a
            step
            deadline
            ----
            10 s

            phase a Succeeded
            step
            ----
            delete a v1 SucceededDaemonPod
            """)
    }

    @Test func `pauses between tries grow, and are forgotten after a long time`() {
        var schedule = RetrySchedule<String>(first: .seconds(1), longest: .seconds(4))
        var now = Timestamp(seconds: 1_000_000)
        var lengths: [Int64] = []
        for _ in 0..<4 {
            schedule.tried("a", at: now)
            let end = schedule.pause("a", at: now) ?? now
            lengths.append((end - now).components.seconds)
            now = end
            #expect(schedule.pause("a", at: now) == nil)
        }
        #expect(lengths == [1, 2, 4, 4])
        #expect(schedule.pause("b", at: now) == nil)
        now = now + .seconds(9)
        schedule.tried("a", at: now)
        #expect(schedule.pause("a", at: now) == now + .seconds(1))
    }

    @Test func `a pod is bound to its node by affinity, and bears what its node may have`() throws {
        var set = DaemonSet(namespace: "default", name: "agent")
        set.spec.template.spec.hostNetwork = true
        set.spec.template.spec.tolerations = [
            Toleration(["key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute"]),
            Toleration(["key": "mine", "operator": "Exists"]),
        ]
        set.spec.template.spec.value[path: ["affinity", "nodeAffinity"]] = [
            "requiredDuringSchedulingIgnoredDuringExecution": [
                "nodeSelectorTerms": [["matchExpressions": [["key": "ssd", "operator": "Exists"]]]]
            ]
        ]
        let pod = set.pod(on: "a", hash: "h")
        #expect(pod.metadata.generateName == "agent-")
        #expect(pod.metadata.labels == ["controller-revision-hash": "h"])
        let required = try #require(
            pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution)
        let selector = try NodeSelector(required.value)
        #expect(selector.matches(labels: Fields(), name: "a"))
        #expect(!selector.matches(labels: Fields(), name: "b"))
        #expect(
            pod.spec.tolerations.map { "\($0.key) \($0.effect)" } == [
                "mine ", "node.kubernetes.io/not-ready NoExecute", "node.kubernetes.io/unreachable NoExecute",
                "node.kubernetes.io/disk-pressure NoSchedule", "node.kubernetes.io/memory-pressure NoSchedule",
                "node.kubernetes.io/pid-pressure NoSchedule", "node.kubernetes.io/unschedulable NoSchedule",
                "node.kubernetes.io/network-unavailable NoSchedule",
            ])
    }

    @Test func `a node's change concerns those to whom it is another node`() {
        func stored(_ view: some ResourceView) -> StoredObject { StoredObject(received: view.value) }
        let nodes = DaemonNodes()
        for selector in ["ssd", "gpu"] {
            var set = DaemonSet(namespace: "default", name: selector)
            set.spec.template.spec.nodeSelector = [selector: "yes"]
            nodes.take(set: ObjectChange(old: nil, new: stored(set)))
        }
        var node = Node(name: "a")
        #expect(nodes.take(node: ObjectChange(old: nil, new: stored(node))).isEmpty)
        node.metadata.labels = ["ssd": "yes"]
        #expect(nodes.take(node: ObjectChange(old: nil, new: stored(node))).map(\.name) == ["ssd"])
        node.status.phase = "Running"
        #expect(nodes.take(node: ObjectChange(old: nil, new: stored(node))).isEmpty)
        node.metadata.labels = ["gpu": "yes"]
        #expect(Set(nodes.take(node: ObjectChange(old: nil, new: stored(node))).map(\.name)) == ["ssd", "gpu"])
        #expect(nodes.take(node: ObjectChange(old: stored(node), new: nil)).map(\.name) == ["gpu"])
        #expect(nodes.all.isEmpty)
    }

    private func hold(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) {
        var world = DaemonWorld()
        Conversation(text).check(sourceLocation: sourceLocation) { world.answer($0) }
    }
}
