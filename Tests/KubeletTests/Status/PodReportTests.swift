import API
import APIMachinery
import Support
import Testing

@testable import Kubelet

@Suite struct PodReportTests {
    /// `type=status reason`, in order.
    private func conditions(_ pod: PodCase) -> [String] {
        pod.status.conditions.map { "\($0.type)=\($0.status)" + ($0.reason.isEmpty ? "" : " " + $0.reason) }
    }

    @Test func `a pod that waits for its sandbox is pending`() {
        let status = PodCase().status
        #expect(status.phase == "Pending" && status.podIP.isEmpty && status.hostIP == "192.168.0.1")
        #expect(status.startTime == PodCase.now && status.qosClass == "BestEffort")
        #expect(status.containerStatuses.first?.state.waiting?.reason == "ContainerCreating")
        #expect(
            conditions(PodCase()) == [
                "PodReadyToStartContainers=False", "Initialized=True", "Ready=False ContainersNotReady",
                "ContainersReady=False ContainersNotReady", "PodScheduled=True",
            ])
        let message = status.conditions.first { $0.type == "Ready" }?.message
        #expect(message == "containers with unready status: [a]")
    }

    @Test func `a pod that runs is ready when its probes say so`() {
        let pod = PodCase().sandbox().instance("a")
        let status = pod.status
        #expect(status.phase == "Running" && status.podIP == "10.42.0.9")
        #expect(status.podIPs.map(\.ip) == ["10.42.0.9"])
        let container = status.containerStatuses.first
        #expect(container?.ready == true && container?.started == true && container?.restartCount == 0)
        #expect(container?.containerID == "containerd://a0")
        #expect(
            conditions(pod) == [
                "PodReadyToStartContainers=True", "Initialized=True", "Ready=True", "ContainersReady=True",
                "PodScheduled=True",
            ])
        let unready = pod.with { $0.verdicts["a0"] = .unready }
        #expect(unready.status.containerStatuses.first?.ready == false)
        #expect(conditions(unready).contains("Ready=False ContainersNotReady"))
        let starting = pod.with { $0.verdicts["a0"] = .notStarted }
        #expect(starting.status.containerStatuses.first?.started == false)
    }

    @Test func `a pod in the node's network has the node's addresses`() {
        let pod = PodCase().with { $0.pod.spec.hostNetwork = true }.sandbox().instance("a")
        #expect(pod.status.podIP == "192.168.0.1")
    }

    @Test func `init containers are told of until they are done`() {
        let pod = PodCase(initial: ["i", "s*"]).sandbox()
        let status = pod.instance("i").status
        #expect(status.phase == "Pending")
        #expect(status.initContainerStatuses.map(\.name) == ["i", "s"])
        #expect(status.containerStatuses.first?.state.waiting?.reason == "PodInitializing")
        let condition = status.conditions.first { $0.type == "Initialized" }
        #expect(condition?.reason == "ContainersNotInitialized")
        // One that runs is not done; a sidecar is as soon as it has started.
        #expect(condition?.message == "containers with incomplete status: [i s]")
        let failed = pod.instance("i", exit: 1).with {
            $0.memory.backOff.restarted("i", endedAt: Timestamp(seconds: 995))
        }
        #expect(failed.status.initContainerStatuses.first?.state.waiting?.reason == "CrashLoopBackOff")
        let done = pod.instance("i", exit: 0).instance("s").instance("a")
        #expect(done.status.initContainerStatuses.map(\.ready) == [true, true])
        #expect(done.status.phase == "Running")
        #expect(conditions(done).contains("Initialized=True"))
    }

    @Test func `a restarted container shows how the last instance ended`() {
        let container = PodCase().sandbox().instance("a", 0, exit: 3, at: 990).instance("a", 1)
            .with { $0.memory.messages["a0"] = "bye" }.status.containerStatuses.first
        #expect(container?.restartCount == 1 && container?.state.running != nil)
        let last = container?.lastState.terminated
        #expect(last?.exitCode == 3 && last?.reason == "Error" && last?.message == "bye")
        #expect(last?.containerID == "containerd://a0" && last?.finishedAt == Timestamp(seconds: 990))
    }

    @Test func `a pod that the node does not take has no containers, before it is told so, after, and ever after`() {
        let pod = PodCase(initial: ["i"]).with { $0.node.hasAppArmor = false }.with {
            $0.pod.spec.securityContext = PodSecurityContext(["appArmorProfile": ["type": "RuntimeDefault"]])
        }
        let told = pod.with { $0.memory.end = PodEnd.refused("AppArmor", "none") }
        let later = told.with {
            $0.pod.status = $0.status
            $0.memory.end = nil
        }
        for one in [pod, told, later] {
            let status = one.status
            #expect(status.containerStatuses.isEmpty && status.initContainerStatuses.isEmpty)
        }
        #expect(later.status.phase == "Failed" && later.status.reason == "AppArmor")
        // One that somebody else ended shows what it had.
        let ended = PodCase().with {
            $0.pod.status.phase = "Failed"
            $0.pod.status.containerStatuses = [ContainerStatus(["name": "a", "containerID": "containerd://x"])]
        }
        #expect(ended.status.containerStatuses.count == 1)
    }

    @Test func `the containers of a pod say no more together than a pod may say`() {
        let pod = PodCase(policy: "Never", containers: ["a", "b", "c", "d"]).sandbox().instance("a", exit: 1)
            .with { $0.memory.messages["a0"] = String(repeating: "x", count: 4096) }
        #expect(pod.status.containerStatuses.first?.state.terminated?.message.utf8.count == 3072)
        let few = PodCase(policy: "Never").sandbox().instance("a", exit: 1)
            .with { $0.memory.messages["a0"] = String(repeating: "x", count: 4096) }
        #expect(few.status.containerStatuses.first?.state.terminated?.message.utf8.count == 4096)
    }

    @Test func `a container that waits for its restart says so`() {
        let pod = PodCase().sandbox().instance("a", 2, exit: 1).with {
            $0.memory.backOff.restarted("a", endedAt: Timestamp(seconds: 995))
        }
        let container = pod.status.containerStatuses.first
        #expect(container?.state.waiting?.reason == "CrashLoopBackOff" && container?.restartCount == 2)
        #expect(container?.lastState.terminated?.exitCode == 1)
        #expect(pod.status.phase == "Running")
    }

    @Test func `a container that cannot be made says why`() {
        let pod = PodCase().sandbox().with {
            $0.memory.holds["a"] = PodMemory.Hold(reason: "ImagePullBackOff", message: "no", until: nil)
        }
        let waiting = pod.status.containerStatuses.first?.state.waiting
        #expect(waiting?.reason == "ImagePullBackOff" && waiting?.message == "no")
        #expect(pod.status.phase == "Pending")
    }

    @Test func `an ended pod says how it ended`() {
        let succeeded = PodCase(policy: "Never").sandbox(0, isReady: false).instance("a", exit: 0).with {
            $0.memory.end = PodEnd(phase: "Succeeded")
        }
        #expect(succeeded.status.phase == "Succeeded")
        #expect(
            conditions(succeeded) == [
                "PodReadyToStartContainers=False", "Initialized=True PodCompleted",
                "Ready=False PodCompleted",
                "ContainersReady=False PodCompleted", "PodScheduled=True",
            ])
        let failed = succeeded.with { $0.memory.end = .deadlineExceeded }
        #expect(failed.status.phase == "Failed" && failed.status.reason == "DeadlineExceeded")
        #expect(conditions(failed).contains("Ready=False PodFailed"))
    }

    @Test func `the phase does not end before the containers do`() {
        let pod = PodCase().sandbox().instance("a").with { $0.memory.end = .deadlineExceeded }
        #expect(pod.status.phase == "Running" && pod.status.reason == "DeadlineExceeded")
    }

    @Test func `the last status of a deleted pod has only ended containers`() {
        let pod = PodCase().deleted().sandbox(0, isReady: false)
        #expect(pod.instance("a", exit: 0).status.phase == "Succeeded")
        #expect(pod.instance("a", exit: 137).status.phase == "Failed")
        let lost = pod.with {
            $0.pod.status.containerStatuses = [
                ContainerStatus([
                    "name": "a", "containerID": "containerd://x", "restartCount": 2,
                    "state": ["running": ["startedAt": "2026-01-01T00:00:00Z"]],
                ])
            ]
        }
        let container = lost.status.containerStatuses.first
        #expect(
            container?.state.terminated?.reason == "ContainerStatusUnknown" && container?.restartCount == 2)
    }

    @Test func `readiness gates wait for the word of others`() {
        let pod = PodCase().sandbox().instance("a").with {
            $0.pod.spec.readinessGates = [PodReadinessGate(["conditionType": "example.com/ok"])]
        }
        #expect(conditions(pod).contains("Ready=False ReadinessGatesNotReady"))
        #expect(conditions(pod).contains("ContainersReady=True"))
        let given = pod.with {
            $0.pod.status.conditions = [PodCondition(["type": "example.com/ok", "status": "True"])]
        }
        #expect(conditions(given).contains("Ready=True"))
        #expect(conditions(given).contains("example.com/ok=True"))
    }

    @Test func `a condition that stays keeps its time`() {
        let before = Timestamp(seconds: 500)
        let pod = PodCase().sandbox().instance("a").with {
            $0.pod.status.conditions = [
                PodCondition([
                    "type": "Ready", "status": "True", "lastTransitionTime": .string(before.description),
                ]),
                PodCondition([
                    "type": "ContainersReady", "status": "False",
                    "lastTransitionTime": .string(before.description),
                ]),
            ]
        }
        let times = pod.status.conditions.map { ($0.type, $0.lastTransitionTime) }
        #expect(times.first { $0.0 == "Ready" }?.1 == before)
        #expect(times.first { $0.0 == "ContainersReady" }?.1 == PodCase.now)
    }
}

@Suite struct PodStatusPatchTests {
    @Test func `nothing new makes no patch`() {
        var pod = PodCase().sandbox().instance("a")
        pod.pod.status = pod.status
        #expect(PodStatusPatch.make(from: pod.pod, to: pod.status) == nil)
    }

    @Test func `a patch says what changed, and whose pod it is`() throws {
        var pod = PodCase().sandbox()
        pod.pod.status = pod.status
        let patch = try #require(PodStatusPatch.make(from: pod.pod, to: pod.instance("a").status))
        #expect(patch.at("metadata", "uid") == "u1")
        #expect(
            Set((patch["status"]?.fields ?? Fields()).map(\.key)) == [
                "phase", "containerStatuses", "conditions",
            ])
    }

    @Test func `conditions of others are left alone, addresses replaced`() throws {
        var pod = PodCase().sandbox().instance("a")
        pod.pod.status.conditions = [PodCondition(["type": "other", "status": "True"])]
        pod.pod.status.podIPs = [PodIP(["ip": "10.42.0.1"])]
        let patch = try #require(PodStatusPatch.make(from: pod.pod, to: pod.status))
        let types = patch.at("status", "conditions")?.array?.compactMap { $0["type"]?.string } ?? []
        #expect(!types.contains("other") && types.contains("Ready"))
        let type = try #require(BuiltinResources.shared.definition(of: .pods)?.type)
        let patched = Pod(try StrategicMergePatch.apply(patch, to: pod.pod.value, schema: type))
        #expect(patched.status.podIPs.map(\.ip) == ["10.42.0.9"])
        #expect(patched.status.conditions.contains { $0.type == "other" })
    }
}
