import API
import APIMachinery
import Support
import Testing

@testable import Kubelet

/// Rules of the status that stand between the large ones.
@Suite struct ReportRulesTests {
    private func condition(_ type: String, of pod: PodCase) -> PodCondition? {
        pod.status.conditions.first { $0.type == type }
    }

    @Test func `what was said once for a pod's life stays`() {
        let pod = PodCase().sandbox().with {
            $0.pod.metadata.generation = 3
            $0.memory.firstSeen = Timestamp(seconds: 700)
        }
        #expect(pod.status.observedGeneration == 3 && condition("Ready", of: pod)?.observedGeneration == 3)
        #expect(pod.status.startTime == Timestamp(seconds: 700))
        let told = pod.with {
            $0.pod.status.startTime = Timestamp(seconds: 600)
            $0.pod.status.qosClass = "Guaranteed"
            $0.pod.status.conditions = [PodCondition(["type": "PodScheduled", "status": "True"])]
        }
        #expect(told.status.startTime == Timestamp(seconds: 600) && told.status.qosClass == "Guaranteed")
        #expect(told.status.conditions.count { $0.type == "PodScheduled" } == 1)
    }

    @Test func `a pod that was initialized stays so when it is over`() {
        let pod = PodCase(policy: "Never", initial: ["i"]).sandbox(0, isReady: false).instance("a", exit: 0).with {
            $0.memory.end = PodEnd(phase: "Succeeded")
            $0.pod.status.conditions = [PodCondition(["type": "Initialized", "status": "True"])]
        }
        #expect(condition("Initialized", of: pod)?.status == "True")
        #expect(condition("Initialized", of: pod.with { $0.pod.status.conditions = [] })?.status == "False")
    }

    @Test func `the phase that somebody else ended a pod with stays while it stops`() {
        let pod = PodCase().sandbox().instance("a").with {
            $0.pod.status.phase = "Failed"
            $0.pod.status.reason = "Evicted"
        }
        #expect(pod.status.phase == "Failed" && pod.status.reason == "Evicted")
    }

    @Test func `a pod is pending until each container has run, and again while its init containers do`() {
        #expect(PodCase(containers: ["a", "b"]).sandbox().instance("a").status.phase == "Pending")
        let again = PodCase(initial: ["i"]).sandbox(0, isReady: false).instance("i", exit: 0)
            .instance("a", exit: 255).sandbox(1)
        #expect(again.status.phase == "Pending")
    }

    @Test func `addresses go with a lost sandbox, and stay with a pod that is over`() throws {
        let lost = PodCase().sandbox(0, isReady: false).instance("a", exit: 255).with {
            $0.pod.status.podIP = "10.42.0.9"
            $0.pod.status.podIPs = [PodIP(["ip": "10.42.0.9"])]
        }
        #expect(lost.status.podIP.isEmpty && lost.status.podIPs.isEmpty)
        let patch = try #require(PodStatusPatch.make(from: lost.pod, to: lost.status))
        #expect(patch.at("status", "podIP") == .null)
        let over = lost.with { $0.memory.end = PodEnd(phase: "Failed") }
        #expect(over.status.podIP == "10.42.0.9" && over.status.podIPs.count == 1)
    }

    @Test func `a condition that comes true loses its reason`() throws {
        var pod = PodCase().sandbox()
        pod.pod.status = pod.status
        let patch = try #require(PodStatusPatch.make(from: pod.pod, to: pod.instance("a").status))
        let ready = patch.at("status", "conditions")?.array?.first { $0["type"] == "Ready" }
        #expect(ready?["reason"] == .null && ready?["message"] == .null)
    }

    @Test func `a container is told as it runs, and as it was told before`() {
        let running = PodCase().sandbox().instance("a", 1).with {
            $0.containers[0].image = "registry/image:1"
            $0.pod.status.containerStatuses = [
                ContainerStatus(["name": "a", "lastState": ["terminated": ["exitCode": 9]]])
            ]
        }
        let status = running.status.containerStatuses.first
        #expect(status?.image == "registry/image:1" && status?.lastState.terminated?.exitCode == 9)
        let starting = running.with { $0.memory.starting = ["a1"] }.status.containerStatuses.first
        #expect(starting?.state.waiting?.reason == "ContainerCreating" && starting?.state.running == nil)
        let forgotten = PodCase().sandbox().with {
            $0.pod.status.containerStatuses = [
                ContainerStatus([
                    "name": "a", "state": ["terminated": ["exitCode": 9, "containerID": "containerd://x"]],
                ])
            ]
        }
        #expect(forgotten.status.containerStatuses.first?.lastState.terminated?.exitCode == 9)
        let held = PodCase().sandbox().with {
            $0.memory.holds["a"] = PodMemory.Hold(reason: "", message: "x", until: nil)
        }
        #expect(held.status.containerStatuses.first?.state.waiting?.reason == "ContainerCreating")
    }

    @Test func `a pod in the node's network keeps its addresses when it is over`() {
        let pod = PodCase(policy: "Never").with { $0.pod.spec.hostNetwork = true }
        #expect(pod.status.podIP == "192.168.0.1")
        let over = pod.with {
            $0.memory.end = PodEnd(phase: "Failed")
            $0.pod.status.podIP = "192.168.0.7"
        }
        #expect(over.status.podIP == "192.168.0.7")
    }

    @Test func `nothing is ready that has not started`() {
        let pod = PodCase().sandbox().instance("a").with {
            $0.verdicts["a0"] = ProbeVerdict(isStarted: false, isReady: true)
        }
        let container = pod.status.containerStatuses.first
        #expect(container?.started == false && container?.ready == false)
    }

    @Test func `a container that waited when its pod ended has not run`() {
        let pod = PodCase(policy: "Never").with {
            $0.memory.end = PodEnd(phase: "Failed")
            $0.pod.status.containerStatuses = [
                ContainerStatus([
                    "name": "a", "containerID": "containerd://x", "state": ["waiting": ["reason": "CrashLoopBackOff"]],
                ])
            ]
        }
        let state = pod.status.containerStatuses.first?.state
        #expect(state?.waiting?.reason == "ContainerCreating" && state?.terminated == nil)
    }

    @Test func `at the end a container shows how it ended, not what it waited for`() {
        let pod = PodCase(policy: "Never").sandbox().instance("a", exit: 3).with {
            $0.memory.holds["a"] = PodMemory.Hold(reason: "ImagePullBackOff", message: "no", until: nil)
        }
        #expect(pod.with { $0.memory.end = PodEnd(phase: "Failed") }.status.containerStatuses.first?.state.waiting == nil)
        #expect(pod.status.containerStatuses.first?.state.waiting?.reason == "ImagePullBackOff")
    }

    @Test func `an instance that never started began when it was made`() {
        let pod = PodCase(policy: "Never").sandbox().instance("a", 7, exit: 128).with {
            $0.containers[0].startedAt = nil
        }
        let terminated = pod.status.containerStatuses.first?.state.terminated
        #expect(terminated?.startedAt == Timestamp(seconds: 7) && terminated?.exitCode == 128)
    }

    @Test func `last words outlive the file they were in`() {
        let pod = PodCase(policy: "Never").sandbox().instance("a", exit: 0).with {
            $0.memory.end = PodEnd(phase: "Succeeded")
            $0.pod.status.containerStatuses = [
                ContainerStatus([
                    "name": "a", "state": ["terminated": ["containerID": "containerd://a0", "message": "bye"]],
                ])
            ]
        }
        let container = pod.status.containerStatuses.first
        #expect(container?.state.terminated?.message == "bye" && container?.state.terminated?.reason == "Completed")
        #expect(container?.ready == false)
    }

    @Test func `an init container is ready when it has succeeded, a sidecar counts as long as it runs`() {
        let pod = PodCase(policy: "Never", initial: ["i", "s*"]).sandbox()
        #expect(pod.instance("i").status.initContainerStatuses.map(\.ready) == [false, false])
        #expect(pod.instance("i", exit: 1).status.initContainerStatuses.first?.ready == false)
        let begun = PodCase(initial: ["s*", "i"]).sandbox().instance("s")
        #expect(condition("Initialized", of: begun)?.message == "containers with incomplete status: [i]")
        let unready = begun.with { $0.verdicts["s0"] = .unready }
        #expect(condition("Initialized", of: unready)?.message == "containers with incomplete status: [i]")
        let all = unready.instance("i", exit: 0).instance("a")
        #expect(condition("Ready", of: all)?.message == "containers with unready status: [s]")
    }

    @Test func `a gate that is not open keeps the pod unready`() {
        let pod = PodCase().sandbox().instance("a").with {
            $0.pod.spec.readinessGates = [PodReadinessGate(["conditionType": "example.com/ok"])]
            $0.pod.status.conditions = [PodCondition(["type": "example.com/ok", "status": "False"])]
        }
        #expect(condition("Ready", of: pod)?.reason == "ReadinessGatesNotReady")
    }

    @Test func `resources and mounts of what runs are told`() {
        let pod = PodCase().sandbox().instance("a").with {
            $0.pod.spec.containers[0].value["resources"] = ["requests": ["cpu": "1"]]
            $0.pod.spec.containers[0].value["volumeMounts"] = [
                ["name": "v", "mountPath": "/v", "readOnly": true], ["name": "w", "mountPath": "/w"],
            ]
        }
        let status = pod.status.containerStatuses.first
        #expect(status?.allocatedResources == ["cpu": "1"] && status?.resources?.requests == ["cpu": "1"])
        let mounts = status?.value["volumeMounts"]?.array ?? []
        #expect(mounts.map { $0["recursiveReadOnly"]?.string } == ["Disabled", nil])
    }
}
