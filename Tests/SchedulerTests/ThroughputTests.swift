import API
import APIMachinery
import Support
import Testing

@testable import Scheduler

/// What a decision costs. The bounds are generous: unoptimised code on a busy machine must keep them.
@Suite struct ThroughputTests {
    /// 500 nodes in three zones, and pods of 50 services.
    static func crowd(nodes: Int = 500) -> SchedulingState {
        let state = SchedulingState(random: SeededRandom(seed: 1))
        for index in 0..<nodes {
            let name = "node-\(index)"
            var node = Given.node(name, labels: ["topology.kubernetes.io/zone": "zone-\(index % 3)"])
            node.value["status"] = ["allocatable": ["cpu": "16", "memory": "64Gi", "pods": "110"]]
            state.setNode(name, node, at: .zero)
        }
        for index in 0..<50 {
            let name = ObjectName(namespace: "ns", name: "app-\(index)")
            state.cluster.siblings.setService(name, ["app": .string(name.name)])
        }
        return state
    }

    static func pod(_ index: Int, _ spec: Value = [:]) -> PodFacts {
        let container: Value = ["name": "c", "resources": ["requests": ["cpu": "100m", "memory": "128Mi"]]]
        var spec = spec
        spec["containers"] = [container]
        spec["tolerations"] = [
            ["key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute"],
            ["key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute"],
        ]
        return Given.pod("pod-\(index)", labels: ["app": "app-\(index % 50)"], spec)
    }

    static let apart: Value = {
        let term: Value = [
            "topologyKey": "kubernetes.io/hostname", "labelSelector": ["matchLabels": ["app": "app-1"]],
        ]
        let zones: Value = [
            "topologyKey": "topology.kubernetes.io/zone", "maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule",
            "labelSelector": ["matchLabels": ["app": "app-1"]],
        ]
        return [
            "affinity": ["podAntiAffinity": ["requiredDuringSchedulingIgnoredDuringExecution": [term]]],
            "topologySpreadConstraints": [zones],
        ]
    }()

    /// Schedules pods one after the other; returns how many got a node.
    static func schedule(_ pods: [PodFacts], _ state: SchedulingState) -> Int {
        for pod in pods { _ = state.setPod(pod.name, pod, at: .zero) }
        var placed = 0
        while let jobs = state.next(at: .zero, time: Timestamp(seconds: 0)) {
            for case .bind(let pod, let node, let grants, let journey) in jobs {
                state.finished(.bind(pod, node: node, grants, journey), nil, at: .zero)
                placed += 1
            }
        }
        return placed
    }

    @Test(arguments: [Value.emptyObject, apart])
    func `a pod finds one of 500 nodes in little time`(spec: Value) {
        let state = Self.crowd()
        let pods = (0..<20).map { Self.pod($0, spec) }
        let time = ContinuousClock().measure { #expect(Self.schedule(pods, state) == 20) }
        #expect(time < .seconds(30))
    }

    @Test func `pods lie evenly on equal nodes`() {
        let state = Self.crowd(nodes: 10)
        let pods = (0..<50).map { Given.pod("pod-\($0)", requests: ["cpu": "1", "memory": "4Gi"]) }
        #expect(Self.schedule(pods, state) == 50)
        #expect(state.cluster.order.allSatisfy { $0.podCount == 5 })
    }
}
