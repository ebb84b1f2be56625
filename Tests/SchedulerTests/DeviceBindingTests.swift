import API
import APIMachinery
import Client
import ClientTestSupport
import Support
import Testing

@testable import Scheduler

/// Devices that must be made ready before a pod is bound to their node (KEP-5007).
@Suite(.timeLimit(.minutes(1))) struct DeviceBindingTests {
    private static let slow: Value = [
        "name": "slow", "bindingConditions": ["Attached"], "bindingFailureConditions": ["Broken"], "bindsToNode": true,
    ]

    private func begin(_ world: DeviceWorld) async throws {
        try await world.createClass("gpu")
        let exactly: Value = ["deviceClassName": "gpu"]
        try await world.create(
            .resourceClaims, "c", ["devices": ["requests": [["name": "r", "exactly": exactly]]]], in: "ns")
        try await world.createPod(
            "p", ["containers": [["name": "c"]], "resourceClaims": [["name": "gpu", "resourceClaimName": "c"]]])
        await world.api.wait { $0.peek(Pod.self, "p", in: "ns")?.status.nominatedNodeName.isEmpty == false }
    }

    @Test func `a pod is bound when its devices are ready`() async throws {
        let world = try await DeviceWorld()
        try await world.offer("p", Self.slow)
        try await world.whileScheduling {
            try await begin(world)
            let pod = try #require(world.api.peek(Pod.self, "p", in: "ns"))
            let node = pod.status.nominatedNodeName
            #expect(pod.spec.nodeName == "")
            let pending = ["waiting for binding conditions for device on node \(node)"]
            await world.api.wait { _ in world.events("BindingConditionsPending") == pending }
            let claim = try await world.claim("c")
            let result = claim.at("status", "allocation", "devices", "results")?.array?.first
            #expect(result?["bindingConditions"] == ["Attached"])
            #expect(result?["bindingFailureConditions"] == ["Broken"])
            let field: Value = ["key": "metadata.name", "operator": "In", "values": [.string(node)]]
            #expect(
                claim.at("status", "allocation", "nodeSelector") == ["nodeSelectorTerms": [["matchFields": [field]]]])
            try await world.tell("c", "Attached")
            await world.waitFor("p", on: node)
            #expect(world.events("BindingConditionsPending").count == 1)
        }
    }

    @Test func `devices that cannot be made ready are given up, and others are taken`() async throws {
        let world = try await DeviceWorld()
        try await world.offer("p", Self.slow)
        try await world.whileScheduling {
            try await begin(world)
            // The driver takes it away, and there is another one.
            _ = try await world.api.delete(Target(.resourceSlices, name: "p"), DeletionOptions())
            try await world.offer("q", ["name": "quick"], on: "b")
            try await world.tell("c", "Broken")
            await world.waitFor("p", on: "b")
            let claim = try await world.claim("c")
            #expect(claim.at("status", "allocation", "devices", "results")?.array?.first?["device"] == "quick")
            #expect(claim.at("status", "devices") == nil)
            let told = world.events("FailedScheduling")
            #expect(told.contains("running PreBind plugin \"DynamicResources\": claim c binding failed: reason=R, message=\"M\""))
            #expect(told.contains {
                $0.hasPrefix("0/2 nodes are available: 2 resourceclaim not available on the node. deallocation of ResourceClaim completed, ")
            })
        }
    }

    @Test func `pools of devices that are ready come first`() {
        func slice(_ pool: String, _ device: Value) -> Value {
            [
                "driver": "d", "allNodes": true, "devices": [device],
                "pool": ["name": .string(pool), "generation": 1, "resourceSliceCount": 1],
            ]
        }
        let stock = DeviceStock(of: [slice("a", Self.slow), slice("b", ["name": "quick"])])
        #expect(stock.devices.map(\.id.device) == ["quick", "slow"])
    }

    private static func claim(_ conditions: [Value], _ more: [String: Value] = [:]) -> Value {
        let id: Value = ["driver": "d", "pool": "p", "device": "x"]
        var (result, device) = (id, id)
        result["bindingConditions"] = ["A", "B"]
        result["bindingFailureConditions"] = ["F"]
        device["conditions"] = .array(conditions)
        var allocation: Value = ["devices": ["results": [result]], "allocationTimestamp": "1970-01-01T00:00:10Z"]
        for (key, value) in more { allocation[key] = value }
        return ["metadata": ["name": "c"], "status": ["allocation": allocation, "devices": [device]]]
    }

    private static func condition(_ type: String, _ status: String = "True") -> Value {
        ["type": .string(type), "status": .string(status), "reason": "R", "message": "say \"no\""]
    }

    @Test func `all conditions must hold, and none that says that they will not`() {
        func binding(_ conditions: Value...) -> DeviceBinding {
            DeviceBinding(of: Self.claim(conditions), at: Timestamp(seconds: 70))
        }
        #expect(binding() == .pending(.seconds(60)))
        #expect(binding(Self.condition("A")) == .pending(.seconds(60)))
        #expect(binding(Self.condition("A"), Self.condition("B", "False")) == .pending(.seconds(60)))
        #expect(binding(Self.condition("A"), Self.condition("B")) == .ready)
        #expect(binding(Self.condition("A"), Self.condition("B"), Self.condition("F", "False")) == .ready)
        #expect(
            binding(Self.condition("A"), Self.condition("B"), Self.condition("F"))
                == .failed("claim c binding failed: reason=R, message=\"say \\\"no\\\"\""))
        #expect(DeviceBinding(of: ["status": ["allocation": [:]]], at: Timestamp(seconds: 0)) == .ready)
    }

    @Test func `devices that take too long are given up`() {
        let words = HintTests.World.Words()
        let state = SchedulingState(devices: { _ in words.devices })
        state.setNode("a", Given.node("a"), at: .zero)
        let name = ObjectName(namespace: "ns", name: "c")
        func hold(_ time: Duration) {
            words.devices.held = [
                .init(claim: name, nodes: nil, isReserved: true, isSpare: true, binding: .pending(time))
            ]
        }
        let next = { (seconds: Int) in state.next(at: .seconds(seconds), time: Timestamp(seconds: 0)) }
        hold(.seconds(100))
        let pod = Given.pod("p", ["resourceClaims": [["name": "d", "resourceClaimName": "c"]]])
        _ = state.setPod(pod.name, pod, at: .zero)
        guard case .prepare(_, "a", let grants)? = next(0)?.first else {
            Issue.record("it waits for its devices")
            return
        }
        state.finished(.prepare(pod, node: "a", grants), nil, at: .zero)
        #expect(state.cluster.place(of: "uid-p") == "a", "it counts there")
        // Once more, for what happened while that was written; then nothing, until they take too long.
        #expect(next(2)?.isEmpty == true)
        #expect(state.nextDue != nil && next(400) != nil, "its patience ends before")
        hold(.seconds(590))
        #expect(next(900)?.isEmpty == true)
        #expect(next(905) == nil)
        #expect(state.nextDue == .seconds(911))
        hold(.seconds(601))
        guard let jobs = next(930), case .release(_, .devices(name, let why))? = jobs.last else {
            Issue.record("they are given up")
            return
        }
        #expect(why == "claim c binding timeout")
        #expect(state.cluster.place(of: "uid-p") == nil)
        #expect(state.cluster.nomination(of: "uid-p") == nil)
    }

    @Test func `claims that others use keep their devices`() {
        func release(_ change: (inout PodDevices.Held) -> Void) -> String {
            var held = PodDevices.Held(
                claim: ObjectName(namespace: "ns", name: "c"), nodes: nil, isReserved: true, isSpare: true,
                binding: .failed("why"))
            change(&held)
            var devices = PodDevices()
            devices.held = [held]
            let cluster = Given.cluster(Given.node("a"))
            let decision = Decision(Given.pod(), VolumeFacts(), Profile(), cluster, devices: devices)
            guard case .none(let diagnosis) = decision.sift(from: 0) else { return "fits" }
            return devices.release(after: diagnosis, limit: .seconds(600)).text
        }
        #expect(release { _ in } == "deallocation of ResourceClaim completed")
        #expect(release { $0.isSpare = false } == "still not schedulable")
        #expect(release { $0.isExtended = true } == "deletion of ResourceClaim completed")
        let elsewhere = NodeSelector(stored: ["nodeSelectorTerms": [["matchExpressions": [["key": "x", "operator": "Exists"]]]]])
        #expect(release { ($0.nodes, $0.binding) = (elsewhere, .ready) } == "deallocation of ResourceClaim completed")
        #expect(release { $0.binding = .ready } == "fits")
    }
}
