import API
import APIMachinery
import Support
import Testing

@testable import Kubelet

@Suite struct NodeObjectTests {
    private let now = Timestamp(seconds: 100)

    private func object() -> NodeObject {
        var options = KubeletOptions(
            nodeName: "n1", internalAddresses: [.v4(0x0A00_0001)], version: "v1",
            layout: KubeletLayout(root: "/r"))
        options.labels = ["node-role.kubernetes.io/control-plane": "true"]
        options.annotations = ["k3s.io/hostname": "n1"]
        options.taints = [Taint(["key": "t", "effect": "NoSchedule"])]
        options.podCIDRs = ["10.42.0.0/24"]
        let capacity = NodeCapacity(processors: 2, memory: 4 << 30, storage: 100 << 30, pods: 110)
        return NodeObject(options: options, facts: NodeFacts(capacity: capacity, info: NodeSystemInfo()))
    }

    @Test func `a new node says what it is`() {
        let node = object().fresh(NodeHealth(), images: [], now: now)
        #expect(node.metadata.labels["kubernetes.io/hostname"] == "n1")
        #expect(node.metadata.labels["node-role.kubernetes.io/control-plane"] == "true")
        #expect(node.spec.taints.count == 1 && node.spec.podCIDRs == ["10.42.0.0/24"])
        #expect(node.status.capacity["memory"] == "4194304Ki" && node.status.capacity["pods"] == "110")
        #expect(node.status.addresses.map(\.address) == ["10.0.0.1", "n1"])
        let ready = node.status.conditions.first { $0.type == "Ready" }
        #expect(ready?.status == "True" && ready?.message == "kubelet is posting ready status")
    }

    @Test func `nothing new says nothing`() {
        let node = object().fresh(NodeHealth(), images: [], now: now)
        #expect(object().updated(node, NodeHealth(), images: [], now: Timestamp(seconds: 900)) == node)
    }

    @Test func `what others wrote stays`() {
        var node = object().fresh(NodeHealth(), images: [], now: now)
        node.spec.taints = []
        node.metadata.labels["mine"] = "x"
        node.status.conditions =
            [NodeCondition(["type": "Other", "status": "True"])] + node.status.conditions
        #expect(object().updated(node, NodeHealth(), images: [], now: now) == node)
    }

    @Test func `a runtime that is down makes the node not ready`() {
        let node = object().fresh(NodeHealth(), images: [], now: now)
        var health = NodeHealth()
        health.complaints = ["container runtime is down"]
        let later = Timestamp(seconds: 200)
        let status = object().updated(node, health, images: [], now: later).status
        let ready = status.conditions.first { $0.type == "Ready" }
        #expect(ready?.status == "False" && ready?.reason == "KubeletNotReady")
        #expect(ready?.lastTransitionTime == later && ready?.lastHeartbeatTime == later)
        let memory = status.conditions.first { $0.type == "MemoryPressure" }
        #expect(memory?.lastHeartbeatTime == now)
    }

    @Test func `huge pages are counted apart`() {
        let capacity = NodeCapacity(
            processors: 1, memory: 4 << 30, storage: 0, pods: 1, hugePages: ["2Mi": 1 << 30, "1Gi": 0])
        #expect(
            capacity.capacity["hugepages-2Mi"] == "1048576Ki" && capacity.capacity["hugepages-1Gi"] == "0")
        #expect(capacity.allocatableTexts["memory"] == "3145728Ki")
    }

    @Test func `what is reserved is not for pods`() throws {
        var options = KubeletOptions(
            nodeName: "n1", internalAddresses: [], version: "v1", layout: KubeletLayout(root: "/r"))
        var capacity = NodeCapacity(processors: 2, memory: 4 << 30, storage: 100 << 30, pods: 110)
        #expect(capacity.allocatableTexts["ephemeral-storage"] == "\((100 << 30) / 100 * 95)")
        #expect(capacity.allocatableTexts["memory"] == capacity.capacity["memory"])
        try options.apply([
            "system-reserved": "cpu=200m,memory=500Mi,ephemeral-storage=1Gi,pid=100", "kube-reserved": "cpu=50m",
            "eviction-hard": "memory.available<100Mi,nodefs.available<10%",
        ])
        capacity.reservation = options.reservation
        let texts = capacity.allocatableTexts
        #expect(texts["cpu"] == "1750m" && texts["memory"] == "\((4096 - 600) * 1024)Ki" && texts["pods"] == "110")
        #expect(texts["ephemeral-storage"] == "\((100 << 30) / 10 * 9 - (1 << 30))")
        #expect(capacity.capacity["cpu"] == "2")
        // More than there is leaves nothing, not less.
        try options.apply(["system-reserved": "cpu=9000000000000000,memory=7Ei", "kube-reserved": "memory=7Ei"])
        capacity.reservation = options.reservation
        #expect(capacity.allocatableTexts["cpu"] == "0" && capacity.allocatableTexts["memory"] == "0")
    }

    @Test func `resources that others tell of stay, and are for pods`() {
        var node = object().fresh(NodeHealth(), images: [], now: now)
        node.status.capacity["example.com/gpu"] = "3"
        node.status.capacity["hugepages-4Mi"] = "1"
        let status = object().updated(node, NodeHealth(), images: [], now: now).status
        #expect(status.capacity["example.com/gpu"] == "3" && status.allocatable["example.com/gpu"] == "3")
        #expect(status.capacity["hugepages-4Mi"] == nil)
    }
}
