import API
import APIMachinery
import Runtime
import Support
import Testing

@testable import Kubelet

extension ResizePlan {
    /// The steps in words: shares, quota and memory of a group or a container.
    var words: String {
        func text(_ values: CgroupValues) -> String {
            "\(values.cpuShares)/\(values.cpuQuota.map(String.init) ?? "-")/\(values.memoryLimit.map(String.init) ?? "-")"
        }
        let steps =
            (before.map { ["pod \(text($0))"] } ?? [])
            + updates.map { "\($0.name) \(text($0.values))" + ($0.shrinksTo.map { " fits \($0)" } ?? "") }
            + (after.map { ["pod \(text($0))"] } ?? [])
        return "resize " + steps.joined(separator: ", ")
    }
}

@Suite struct ResizePlanTests {
    private static func resources(_ cpu: String, _ memory: String) -> ResourceRequirements {
        ResourceRequirements([
            "limits": ["cpu": .string(cpu), "memory": .string(memory)],
            "requests": ["cpu": .string(cpu), "memory": .string(memory)],
        ])
    }

    /// A pod whose containers run with what they were made with, and were granted something else.
    private static func pod(
        _ containers: [(name: String, made: (String, String), granted: (String, String))]
    ) -> PodCase {
        var pod = PodCase(containers: containers.map(\.name)).sandbox()
        var before = pod.pod.spec
        for (index, container) in containers.enumerated() {
            pod = pod.instance(container.name)
            let made = resources(container.made.0, container.made.1)
            pod.containers[index].madeWith = made
            before.containers[index].resources = made
            pod.pod.spec.containers[index].resources = resources(container.granted.0, container.granted.1)
        }
        pod.memory.resize.isResized = true
        pod.memory.resize.group = CgroupValues(ofPod: before)
        pod.memory.resize.generation = 2
        pod.pod.metadata.generation = 2
        return pod
    }

    @Test func `a pod that has what it was granted is left alone`() {
        let pod = Self.pod([("a", ("1", "100"), ("1", "100"))])
        #expect(pod.outcome == [] && !pod.facts.isResizing)
        // Texts that mean the same, too.
        #expect(Self.pod([("a", ("1", "100"), ("1000m", "100"))]).outcome == [])
    }

    @Test func `the pod's group grows first and shrinks last`() {
        #expect(
            Self.pod([("a", ("1", "100"), ("2", "200"))]).outcome == [
                "resize pod 2048/200000/200, a 2048/200000/200"
            ])
        #expect(
            Self.pod([("a", ("2", "200"), ("1", "100"))]).outcome == [
                "resize a 1024/100000/100 fits 100, pod 1024/100000/100"
            ])
    }

    @Test func `memory that one gives back is there for the others`() {
        let pod = Self.pod([("a", ("1", "100"), ("1", "150")), ("b", ("1", "300"), ("2", "200"))])
        #expect(
            pod.outcome == [
                "resize pod 3072/300000/400, b 2048/200000/200 fits 200, a 1024/100000/150, pod 3072/300000/350"
            ])
    }

    @Test func `a limit that is new limits the pod when all have one`() {
        var pod = Self.pod([("a", ("1", "100"), ("1", "100"))])
        pod.containers[0].madeWith = ResourceRequirements(["requests": ["cpu": "1"]])
        pod.memory.resize.group?.memoryLimit = nil
        pod.memory.resize.group?.cpuQuota = nil
        #expect(pod.outcome == ["resize a 1024/100000/100 fits 100, pod 1024/100000/100"])
    }

    @Test func `after a restart the group is set once, wide before containers change`() {
        let same = Self.pod([("a", ("1", "100"), ("1", "100"))]).with { $0.memory.resize.group = nil }
        #expect(same.outcome == ["resize pod 1024/100000/100"])
        let other = Self.pod([("a", ("1", "100"), ("2", "200"))]).with { $0.memory.resize.group = nil }
        #expect(other.outcome == ["resize pod 2048/-/-, a 2048/200000/200, pod 2048/200000/200"])
    }

    @Test func `what a container was told goes before what the runtime says, and that before how it was made`() {
        var pod = Self.pod([("a", ("1", "100"), ("2", "200"))])
        pod.memory.resize.group = CgroupValues(ofPod: pod.pod.spec)
        pod.containers[0].values = CgroupValues(Self.resources("2", "200"))
        #expect(pod.outcome == [])
        pod.containers[0].values?.memoryLimit = 150
        #expect(pod.outcome == ["resize a 2048/200000/200"])
        pod.memory.resize.told["a0"] = CgroupValues(Self.resources("2", "200"))
        #expect(pod.outcome == [])
    }

    @Test func `a container restarts where its policy says so, and starts again whatever the pod's says`() {
        var pod = Self.pod([("a", ("1", "100"), ("1", "200"))])
        pod.pod.spec.restartPolicy = "OnFailure"
        pod.pod.spec.containers[0].resizePolicy = [
            ContainerResizePolicy(["resourceName": "cpu", "restartPolicy": "NotRequired"]),
            ContainerResizePolicy(["resourceName": "memory", "restartPolicy": "RestartContainer"]),
        ]
        #expect(pod.outcome.first == "stop a0 by 1030")
        guard case .stop(let stop) = pod.decision.actions.first else { return #expect(Bool(false)) }
        #expect(stop.message == "Container a resize requires restart" && stop.isForResize)
        let ended = pod.with {
            $0.containers[0].state = .exited
            $0.containers[0].finishedAt = PodCase.now
            $0.memory.resize.group = CgroupValues(ofPod: $0.pod.spec)
        }
        #expect(ended.outcome == ["end Succeeded"])
        let known = ended.with { $0.memory.resize.restarting = ["a0"] }
        #expect(known.outcome == ["start a 1"] && known.facts.isResizing)
    }

    @Test func `only what has the policy restarts`() {
        var pod = Self.pod([("a", ("1", "100"), ("2", "100"))])
        pod.pod.spec.containers[0].resizePolicy = [
            ContainerResizePolicy(["resourceName": "memory", "restartPolicy": "RestartContainer"])
        ]
        #expect(pod.outcome == ["resize pod 2048/200000/100, a 2048/200000/100"])
    }

    /// A pod that has more itself than its containers ask for (KEP 5419).
    private static func wholePod() -> PodCase {
        var pod = Self.pod([("a", ("1", "100"), ("1", "100"))])
        pod.pod.spec.containers[0].resources = ResourceRequirements(["requests": ["cpu": "1"]])
        pod.containers[0].madeWith = pod.pod.spec.containers[0].resources
        pod.containers[0].podMadeWith = Self.resources("2", "200")
        pod.pod.spec.resources = Self.resources("2", "200")
        pod.memory.resize.group = CgroupValues(ofPod: pod.pod.spec)
        return pod
    }

    @Test func `what a pod has itself goes to its group, and to containers without limits`() {
        var pod = Self.wholePod()
        #expect(pod.outcome == [])
        pod.pod.spec.resources = Self.resources("3", "300")
        #expect(pod.outcome == ["resize pod 3072/300000/300, a 1024/300000/300"])
        let status = pod.status
        #expect(status.allocatedResources == ["cpu": "3", "memory": "300"])
        #expect(status.resources?.requests == ["cpu": "2", "memory": "300"])
        #expect(status.resources?.limits == ["cpu": "2", "memory": "200"])
        // One that has limits of its own keeps them.
        pod.pod.spec.containers[0].resources = Self.resources("1", "100")
        pod.containers[0].madeWith = Self.resources("1", "100")
        #expect(pod.outcome == ["resize pod 3072/300000/300"])
    }

    @Test func `what a pod has as a whole is told, by its containers where it asks for nothing itself`() {
        var pod = PodCase(containers: ["a", "b"]).sandbox().instance("a").instance("b")
        #expect(pod.status.resources == nil && pod.status.allocatedResources.isEmpty)
        pod.pod.spec.containers[0].resources = Self.resources("500m", "100")
        pod.pod.spec.containers[1].resources = ResourceRequirements(["requests": ["cpu": "500m"]])
        pod.pod.spec.overhead = ["memory": "10"]
        pod.pod.status = pod.status
        #expect(pod.pod.status.allocatedResources == ["cpu": "1", "memory": "110"])
        #expect(pod.pod.status.resources?.requests == ["cpu": "1", "memory": "110"])
        #expect(pod.pod.status.resources?.limits.isEmpty == true, "b has none")
        pod.pod.spec.containers[0].resources = ResourceRequirements(["requests": ["cpu": "1"]])
        pod.pod.spec.overhead = [:]
        let patch = PodStatusPatch.make(from: pod.pod, to: pod.status)
        #expect(patch?.at("status", "allocatedResources") == ["cpu": "1500m", "memory": .null])
        #expect(patch?.at("status", "resources") == ["requests": ["cpu": "1500m", "memory": .null]])
    }

    @Test func `a failure is told and tried again in its time`() {
        var pod = Self.pod([("a", ("1", "100"), ("1", "200"))])
        pod.memory.resize.failure = PodMemory.Hold(
            reason: "Error", message: "too small", until: Timestamp(seconds: 1005))
        #expect(pod.outcome == ["look 1005"])
        let condition = pod.status.conditions.first { $0.type == "PodResizeInProgress" }
        #expect(condition?.reason == "Error" && condition?.message == "too small")
        pod.memory.resize.failure?.until = Timestamp(seconds: 999)
        #expect(pod.outcome == ["resize pod 1024/100000/200, a 1024/100000/200"])
    }

    // MARK: What is told

    @Test func `the status shows what is granted and what is`() {
        let pod = Self.pod([("a", ("500m", "100"), ("2", "200"))])
        let told = pod.status.containerStatuses.first
        #expect(told?.allocatedResources == ["cpu": "2", "memory": "200"])
        // A request for memory is a promise: the kernel is told nothing of it.
        #expect(told?.resources?.requests == ["cpu": "500m", "memory": "200"])
        #expect(told?.resources?.limits == ["cpu": "500m", "memory": "100"])
        let condition = pod.status.conditions.first { $0.type == "PodResizeInProgress" }
        #expect(condition?.status == "True" && condition?.observedGeneration == 2 && condition?.reason == "")
    }

    @Test func `requests too small for the kernel to tell apart are shown as they are`() {
        var pod = Self.pod([("a", ("1", "100"), ("1", "100"))])
        pod.pod.spec.containers[0].resources = ResourceRequirements(["requests": ["cpu": "1m"]])
        pod.containers[0].madeWith = ResourceRequirements(["requests": ["cpu": "2m"]])
        pod.memory.resize.group = CgroupValues(ofPod: pod.pod.spec)
        #expect(pod.outcome == [])
        #expect(pod.status.containerStatuses.first?.resources?.requests == ["cpu": "1m"])
    }

    @Test func `a pod without resources shows that it could be resized`() {
        let status = PodCase().sandbox().instance("a").status
        #expect(status.containerStatuses.first?.value["resources"] == .emptyObject)
    }

    @Test func `a resize that must wait says why, and the condition goes when it is over`() {
        var pod = PodCase().sandbox().instance("a")
        pod.pod.metadata.generation = 3
        pod.memory.resize.pending = PendingResize(reason: .deferred, message: "full")
        let waiting = pod.status
        let condition = waiting.conditions.first { $0.type == "PodResizePending" }
        #expect(condition?.status == "True" && condition?.reason == "Deferred" && condition?.message == "full")
        #expect(condition?.observedGeneration == 3)
        pod.pod.status = waiting
        pod.memory.resize.pending = nil
        #expect(!pod.status.conditions.contains { $0.type == "PodResizePending" })
        let patch = PodStatusPatch.make(from: pod.pod, to: pod.status)
        #expect(
            patch?.at("status", "conditions") == [["type": "PodResizePending", "$patch": "delete"]])
    }

    @Test func `events name the resources`() {
        var spec = PodSpec()
        spec.containers = [Container(["name": "a", "resources": ["limits": ["cpu": "1"]]])]
        #expect(
            ResizeReport.message("started", spec, generation: 2)
                == #"Pod resize started: {"containers":[{"name":"a","resources":{"limits":{"cpu":"1"}}}],"generation":2}"#)
    }

    @Test func `what the runtime tells of a container is understood`() {
        var told = CRI.LinuxContainerResources()
        #expect(CgroupValues(reported: told) == nil)
        (told.cpuShares, told.cpuPeriod, told.cpuQuota, told.memoryLimitInBytes) = (512, 50_000, -1, 0)
        let values = CgroupValues(reported: told)
        #expect(values?.cpuShares == 512 && values?.cpuPeriod == 50_000)
        #expect(values?.cpuQuota == nil && values?.memoryLimit == nil)
    }

    // MARK: Allocation

    @Test func `an allocation is read as it was written, and stands for what is asked for`() {
        var pod = PodCase(initial: ["i"], containers: ["a", "b"]).pod
        pod.spec.containers[0].resources = Self.resources("1", "100")
        let allocation = Allocation(pod.spec)
        #expect(Allocation(json: allocation.json) == allocation)
        #expect(Allocation(json: Array("[".utf8)) == nil)
        #expect(allocation.applied(to: pod) == pod)
        var resized = pod
        resized.spec.containers[0].resources = Self.resources("2", "100")
        #expect(allocation.applied(to: resized) == pod)
    }

    @Test func `what a pod has itself is allocated to it, and found again`() {
        var pod = PodCase(containers: ["a"]).pod
        pod.spec.resources = Self.resources("1", "100")
        let allocation = Allocation(pod.spec)
        #expect(Allocation(json: allocation.json) == allocation)
        var resized = pod
        resized.spec.resources = Self.resources("2", "100")
        #expect(allocation.applied(to: resized) == pod)
        var without = pod
        without.spec.resources = nil
        #expect(Allocation(without.spec).applied(to: resized) == without)
        // Without a file the containers tell.
        var made = PodCase(containers: ["a"]).sandbox().instance("a")
        made.containers[0].podMadeWith = Self.resources("1", "100")
        let runtime = RuntimePod(sandboxes: made.sandboxes, containers: made.containers)
        #expect(Allocation(resized.spec, runtime: runtime) == allocation)
        made.containers[0].podMadeWith = nil
        let bare = RuntimePod(sandboxes: made.sandboxes, containers: made.containers)
        #expect(Allocation(resized.spec, runtime: bare).own == nil)
    }

    @Test func `a pod counts with its requests, its sidecars' and its overhead`() {
        var pod = PodCase(initial: ["i", "s*"], containers: ["a", "b"]).pod
        pod.spec.containers[0].resources = Self.resources("1", "100")
        pod.spec.initContainers[0].resources = Self.resources("500m", "9000")
        pod.spec.initContainers[1].resources = Self.resources("250m", "50")
        pod.spec.overhead = ["cpu": "10m"]
        #expect(ResourceAmounts(of: pod.spec) == ResourceAmounts(processors: 1260, memory: 9000))
        pod.spec.resources = ResourceRequirements(["requests": ["cpu": "3"]])
        #expect(ResourceAmounts(of: pod.spec) == ResourceAmounts(processors: 3010, memory: 9000))
    }
}
