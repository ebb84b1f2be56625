import API
import APIMachinery
import Support
import Testing

@testable import Kubelet

@Suite struct QualityOfServiceTests {
    private static let full: Value = [
        "limits": ["cpu": "1", "memory": "1Gi"], "requests": ["cpu": "1000m", "memory": "1024Mi"],
    ]
    private static let partial: Value = ["requests": ["memory": "1Gi"]]

    private func spec(_ containers: [Value], initial: [Value] = [], pod: Value? = nil) -> PodSpec {
        var value: Value = [
            "containers": .array(containers.map { ["name": "c", "resources": $0] }),
            "initContainers": .array(initial.map { ["name": "i", "resources": $0] }),
        ]
        value["resources"] = pod
        return PodSpec(value)
    }

    @Test func `a pod that asks for nothing is best-effort`() {
        #expect(QualityOfService(spec([[:], [:]])) == .bestEffort)
        #expect(QualityOfService(spec([["requests": ["cpu": "0"]]])) == .bestEffort)
        #expect(QualityOfService(spec([["limits": ["example.com/gpu": "1"]]])) == .bestEffort)
    }

    @Test func `a pod is guaranteed only when every container requests its limits`() {
        #expect(QualityOfService(spec([Self.full, Self.full])) == .guaranteed)
        #expect(QualityOfService(spec([["limits": ["cpu": "1", "memory": "1Gi"]]])) == .guaranteed)
        #expect(QualityOfService(spec([Self.full, [:]])) == .burstable)
        #expect(QualityOfService(spec([Self.full], initial: [[:]])) == .burstable)
        #expect(QualityOfService(spec([Self.partial])) == .burstable)
        #expect(QualityOfService(spec([["limits": ["cpu": "1"]]])) == .burstable)
    }

    @Test func `resources of the pod stand for those of its containers`() {
        #expect(QualityOfService(spec([[:], Self.partial], pod: Self.full)) == .guaranteed)
        #expect(QualityOfService(spec([Self.full], pod: [:])) == .guaranteed)
    }

    @Test func `the class that the server wrote down is kept`() {
        var pod = Pod(["spec": spec([[:]]).value])
        pod.status.qosClass = "Guaranteed"
        #expect(QualityOfService(pod) == .guaranteed)
        pod.status.qosClass = ""
        #expect(QualityOfService(pod) == .bestEffort)
    }

    /// Of the containers `c` and `d`, and of the sidecar `s`.
    @Test(arguments: [
        (nil, [100, 300, 100]), (["requests": ["memory": "1100"]], [300, 500, 300]),
        (["requests": ["memory": "100"]], [100, 300, 100]), (["requests": ["cpu": "1"]], [100, 300, 100]),
    ] as [(Value?, [Int64])])
    func `a container has a share of what its pod asks for beyond its containers`(whole: Value?, shares: [Int64]) {
        func container(_ name: String, _ memory: String) -> Value {
            ["name": .string(name), "resources": ["requests": ["memory": .string(memory)]]]
        }
        var sidecar = container("s", "100")
        sidecar["restartPolicy"] = "Always"
        var spec: Value = [
            "containers": [container("c", "100"), container("d", "300")], "initContainers": [sidecar],
        ]
        spec["resources"] = whole
        let pod = Pod(["spec": spec])
        let containers = pod.spec.containers + pod.spec.initContainers
        #expect(containers.map { MemoryShare.request(of: $0, in: pod) } == shares)
        sidecar["resources"] = nil
        spec["initContainers"] = [sidecar]
        spec["resources"] = nil
        let lean = Pod(["spec": spec])
        #expect(MemoryShare.request(of: lean.spec.initContainers[0], in: lean) == 100, "what it serves asks for as much")
    }

    @Test(arguments: [(0, 999), (1, 999), (250, 750), (999, 3), (1000, 3), (5000, 3)] as [(Int64, Int)])
    func `a burstable container is killed the later the more it asked for`(request: Int64, adjustment: Int) {
        let found = QualityOfService.burstable.oomScoreAdjustment(memoryRequest: request, memoryCapacity: 1000)
        #expect(found == adjustment)
    }

    @Test(arguments: UInt64(0)..<20)
    func `burstable lies between the other classes, whatever is asked`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        for _ in 0..<200 {
            let capacity = Int64.random(in: 1...Int64.max, using: &random)
            let request = Int64.random(in: 0...Int64.max, using: &random)
            let (low, middle, high) = (
                QualityOfService.guaranteed.oomScoreAdjustment(memoryRequest: request, memoryCapacity: capacity),
                QualityOfService.burstable.oomScoreAdjustment(memoryRequest: request, memoryCapacity: capacity),
                QualityOfService.bestEffort.oomScoreAdjustment(memoryRequest: request, memoryCapacity: capacity)
            )
            #expect(low < middle && middle < high)
        }
    }
}
