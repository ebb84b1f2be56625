import API
import APIMachinery
import Support
import Testing

@testable import Kubelet

@Suite struct PodDecisionTests {
    // MARK: Starting

    @Test func `a new pod gets a sandbox first, then all its containers`() {
        let pod = PodCase(containers: ["a", "b"])
        #expect(pod.outcome == ["sandbox 0"])
        #expect(pod.sandbox().outcome == ["start a 0", "start b 0"])
        #expect(pod.sandbox().instance("a").outcome == ["start b 0"])
        #expect(pod.sandbox().instance("a").instance("b").outcome == [])
    }

    @Test func `a pod of a name that another one still has waits for it, and one that runs does not mind`() {
        #expect(PodCase().with { $0.isHeld = true }.outcome == [])
        #expect(PodCase().sandbox().with { $0.isHeld = true }.outcome == ["start a 0"])
    }

    @Test func `init containers run one after the other, and once`() {
        let pod = PodCase(initial: ["i", "j"]).sandbox()
        #expect(pod.outcome == ["start i 0"])
        #expect(pod.instance("i").outcome == [])
        #expect(pod.instance("i", exit: 0).outcome == ["start j 0"])
        #expect(pod.instance("i", exit: 0).instance("j", exit: 0).outcome == ["start a 0"])
        // Once a regular container has run nobody looks back.
        #expect(pod.instance("a").outcome == [])
    }

    @Test func `a failed init container is tried again unless the policy is Never`() {
        let failed = { (policy: String) in
            PodCase(policy: policy, initial: ["i"]).sandbox().instance("i", exit: 1).outcome
        }
        #expect(failed("Always") == ["start i 1"])
        #expect(failed("OnFailure") == ["start i 1"])
        #expect(failed("Never") == ["end Failed"])
    }

    @Test func `a sidecar starts in its turn and runs on`() {
        let pod = PodCase(initial: ["s*", "i"]).sandbox()
        #expect(pod.outcome == ["start s 0"])
        let waiting = pod.instance("s").with { $0.verdicts["s0"] = .notStarted }
        #expect(waiting.outcome == [])
        #expect(pod.instance("s").outcome == ["start i 0"])
        let initialized = pod.instance("s").instance("i", exit: 0)
        #expect(initialized.outcome == ["start a 0"])
        #expect(pod.instance("s", exit: 0).instance("i", exit: 0).instance("a").outcome == ["start s 1"])
    }

    @Test func `a sidecar does not keep a job from ending`() {
        let pod = PodCase(policy: "Never", initial: ["s*"]).sandbox().instance("s").instance("a", exit: 0)
        #expect(pod.outcome == ["end Succeeded"])
        let ended = pod.with { $0.memory.end = PodEnd(phase: "Succeeded") }
        #expect(ended.outcome == ["stop s0 by 1030"])
    }

    @Test func `a postStart hook holds up those behind it`() {
        let pod = PodCase(containers: ["a", "b"]).sandbox().instance("a")
        #expect(pod.with { $0.memory.starting = ["a0"] }.outcome == [])
    }

    @Test func `a container that was made and never started is made anew`() {
        #expect(PodCase().sandbox().instance("a", state: .created).outcome == ["remove a0"])
    }

    @Test func `what cannot be started yet waits without keeping others up`() {
        let pod = PodCase(containers: ["a", "b"]).sandbox()
        let held = pod.with {
            $0.memory.holds["a"] = PodMemory.Hold(
                reason: "ImagePullBackOff", message: "", until: Timestamp(seconds: 1010))
        }
        #expect(held.outcome == ["start b 0", "look 1010"])
        let pulled = pod.with { $0.memory.holds["a"] = PodMemory.Hold(reason: "", message: "", until: nil) }
        #expect(pulled.outcome == ["start b 0"])
        let over = pod.with {
            $0.memory.holds["a"] = PodMemory.Hold(reason: "x", message: "", until: Timestamp(seconds: 999))
        }
        #expect(over.outcome == ["start a 0", "start b 0"])
    }

    @Test func `a sandbox that could not be made is tried again in its time`() {
        let pod = PodCase().with {
            $0.memory.sandboxHold = PodMemory.Hold(reason: "", message: "", until: Timestamp(seconds: 1004))
        }
        #expect(pod.outcome == ["look 1004"])
    }

    @Test func `an ephemeral container starts beside the others, once`() {
        let pod = PodCase().with {
            $0.pod.spec.ephemeralContainers = [EphemeralContainer(["name": "e", "image": "image"])]
        }
        #expect(pod.sandbox().instance("a").outcome == ["start e 0"])
        #expect(pod.sandbox().instance("a").instance("e", exit: 1).outcome == [])
    }

    @Test(arguments: [
        ("net.ipv4.ip_unprivileged_port_start", false, "sandbox 0"),
        ("net.ipv4.ip_forward", false, "sandbox 0"),
        ("kernel.msgmax", false, "end Failed SysctlForbidden"),
        ("net.ipv4.tcp_syncookies", true, "end Failed SysctlForbidden"),
    ])
    func `kernel parameters that may harm others are refused`(name: String, hostNetwork: Bool, then: String) {
        let pod = PodCase().with {
            $0.pod.spec.hostNetwork = hostNetwork
            $0.pod.spec.securityContext = PodSecurityContext([
                "sysctls": [["name": .string(name), "value": "1"]]
            ])
        }
        #expect(pod.outcome == [then])
    }

    @Test func `a pod of too many containers waits, and hears why`() {
        func obstacle(_ spec: Value) -> String? { PodAdmission.obstacle(to: PodSpec(spec))?.summary }
        #expect(obstacle(["containers": [["name": "a"]]]) == nil)
        let (some, many) = (Value.array(Array(repeating: [:], count: 500)), Value.array(Array(repeating: [:], count: 501)))
        #expect(obstacle(["containers": some, "initContainers": some]) == nil)
        #expect(obstacle(["containers": some, "initContainers": many])?.contains("1000 containers") == true)
    }

    @Test func `what the node cannot do for a pod fails the pod`() {
        func outcome(_ spec: Value, _ change: (inout NodeAbilities) -> Void = { _ in }) -> [String] {
            PodCase().with {
                change(&$0.node)
                for (key, value) in spec.fields ?? Fields() { $0.pod.value["spec"]?[key] = value }
            }.outcome
        }
        let profile = { (type: String) -> Value in ["appArmorProfile": ["type": .string(type)]] }
        for spec: Value in [
            ["securityContext": profile("RuntimeDefault")],
            ["containers": [["name": "a", "securityContext": profile("Localhost")]]],
            ["initContainers": [["name": "a", "securityContext": profile("RuntimeDefault")]]],
        ] {
            #expect(outcome(spec) { $0.hasAppArmor = false } == ["end Failed AppArmor"])
            #expect(outcome(spec) == ["sandbox 0"])
        }
        #expect(outcome(["securityContext": profile("Unconfined")]) { $0.hasAppArmor = false } == ["sandbox 0"])
        let groups = { (policy: String) -> Value in ["securityContext": ["supplementalGroupsPolicy": .string(policy)]] }
        #expect(
            outcome(groups("Strict")) { $0.hasStrictGroups = false }
                == ["end Failed SupplementalGroupsPolicyNotSupported"])
        #expect(outcome(groups("Strict")) == ["sandbox 0"])
        #expect(outcome(groups("Merge")) { $0.hasStrictGroups = false } == ["sandbox 0"])
    }

    @Test func `a node allows further kernel parameters, by name or by beginning`() throws {
        func outcome(_ name: String, _ unsafe: [String], _ more: Value = [:]) throws -> [String] {
            let allowance = try SysctlAllowance(unsafe: unsafe)
            return PodCase().with {
                $0.node.sysctls = allowance
                for (key, value) in more.fields ?? Fields() { $0.pod.value["spec"]?[key] = value }
                $0.pod.spec.securityContext = PodSecurityContext(["sysctls": [["name": .string(name), "value": "1"]]])
            }.outcome
        }
        let unsafe = ["kernel.msg*", "net/core/somaxconn"]
        for name in ["kernel.msgmax", "kernel/msgmnb", "net.core.somaxconn"] {
            #expect(try outcome(name, unsafe) == ["sandbox 0"], "\(name)")
            #expect(try outcome(name, []) == ["end Failed SysctlForbidden"], "\(name)")
        }
        #expect(try outcome("kernel.sem", unsafe) == ["end Failed SysctlForbidden"])
        #expect(try outcome("net.core.somaxconn.more", unsafe) == ["end Failed SysctlForbidden"])
        #expect(try outcome("kernel.msgmax", unsafe, ["hostIPC": true]) == ["end Failed SysctlForbidden"])
        #expect(try outcome("kernel.msgmax", unsafe, ["hostNetwork": true]) == ["sandbox 0"])
        for wrong in ["vm.swappiness", "kernel.*", "*", "", "net.core.*.x", "net. x"] {
            #expect(throws: Fault.self, "\(wrong)") { try SysctlAllowance(unsafe: [wrong]) }
        }
    }

    // MARK: Restarting

    @Test(arguments: [
        ("Always", Int32(0), ["start a 1"]), ("Always", 1, ["start a 1"]), ("OnFailure", 1, ["start a 1"]),
        ("OnFailure", 0, ["end Succeeded"]), ("Never", 0, ["end Succeeded"]), ("Never", 1, ["end Failed"]),
    ])
    func `the policy says whether an ended container is restarted`(
        policy: String, exit: Int32, then: [String]
    ) {
        #expect(PodCase(policy: policy).sandbox().instance("a", exit: exit).outcome == then)
    }

    @Test func `a container's own policy and rules go before its pod's`() {
        let never = PodCase(containers: ["a", "b"]).with { $0.pod.spec.containers[0].restartPolicy = "Never" }
        #expect(never.sandbox().instance("a", exit: 1).instance("b").outcome == [])
        let rules: Value = [["action": "Restart", "exitCodes": ["operator": "In", "values": [42]]]]
        let ruled = PodCase(policy: "Never").with {
            $0.pod.spec.containers[0].value["restartPolicyRules"] = rules
        }
        #expect(ruled.sandbox().instance("a", exit: 42).outcome == ["start a 1"])
        #expect(ruled.sandbox().instance("a", exit: 41).outcome == ["end Failed"])
    }

    @Test func `the first rule that fits says what becomes of an end`() {
        func action(_ code: Int32, _ rules: Value) -> PodContainers.Member.RestartAction? {
            let container = Container(["name": "a", "restartPolicyRules": rules])
            return PodContainers.Member(container: container, role: .regular, name: "a").rule(after: code)
        }
        let rules: Value = [
            ["action": "RestartAllContainers", "exitCodes": ["operator": "In", "values": [88, 89]]],
            ["action": "Restart", "exitCodes": ["operator": "NotIn", "values": [3]]],
        ]
        #expect(action(88, rules) == .restartAllContainers)
        #expect(action(1, rules) == .restart)
        #expect(action(3, rules) == nil)
        #expect(action(3, [["action": "Restart"]]) == nil)
    }

    @Test func `one end makes all begin again, the init containers first`() {
        let rules: Value = [
            ["action": "RestartAllContainers", "exitCodes": ["operator": "In", "values": [88]]]
        ]
        let pod = PodCase(policy: "Never", initial: ["i", "s*"], containers: ["a", "b", "c"]).with {
            $0.pod.spec.containers[0].value["restartPolicyRules"] = rules
            $0.pod.spec.ephemeralContainers = [EphemeralContainer(["name": "e", "image": "image"])]
        }
        .sandbox().instance("i", exit: 0).instance("s").instance("b").instance("c", exit: 0).instance("e")
        #expect(pod.instance("a", exit: 87).outcome == [])
        let begun = pod.instance("a", exit: 88)
        // Nobody is asked, and the one for people who look for a fault stays.
        #expect(Set(begun.outcome) == ["kill s0 by 1000", "kill b0 by 1000"])
        let killing = begun.with { $0.memory.stopping = ["s0": Timestamp(seconds: 1000), "b0": Timestamp(seconds: 1030)] }
        #expect(killing.outcome == ["kill b0 by 1000"])
        let condition = { (pod: PodCase) in pod.status.conditions.first { $0.type == "AllContainersRestarting" } }
        #expect(condition(begun)?.status == "True")
        #expect(condition(begun)?.reason == "RestartAllContainersStarted")
        #expect(condition(pod.instance("a"))?.status == "False")
        #expect(condition(PodCase().sandbox().instance("a")) == nil)

        // The cause goes last.
        let dead = PodCase(policy: "Never", initial: ["i"], containers: ["a", "b"]).with {
            $0.pod.spec.containers[0].value["restartPolicyRules"] = rules
        }
        .sandbox().instance("i", exit: 0).instance("a", exit: 88).instance("b", exit: 137)
        let words = dead.outcome
        #expect(words.count == 1 && words[0].hasPrefix("reset ") && words[0].hasSuffix(",a0"), "\(words)")
        #expect(Set(words[0].dropFirst(6).split(separator: ",")) == ["i0", "b0", "a0"])

        // Their counting goes on, and so do what they said last and their waiting.
        let former = dead.containers
        let again = dead.with { pod in
            pod.containers = []
            for one in former { pod.memory.former[one.name] = one }
            pod.pod.status.conditions = dead.status.conditions
        }
        #expect(again.outcome == ["start i 1"])
        #expect(again.status.containerStatuses.map(\.lastState.terminated?.exitCode) == [88, 137])
        #expect(again.status.phase == "Pending")
        #expect(again.status.conditions.first { $0.type == "Initialized" }?.status == "True")
        let late = again.with { $0.memory.backOff.restarted("i", endedAt: Timestamp(seconds: 995)) }
        #expect(late.outcome == ["back-off i", "look 1010"])
        let begins = again.instance("i", 1, exit: 0)
        #expect(begins.outcome == ["start a 1", "start b 1"])
        let runs = begins.instance("a", 1).instance("b", 1)
        #expect(runs.outcome == [])
        #expect(runs.status.containerStatuses.map(\.restartCount) == [1, 1])
        #expect(runs.status.containerStatuses.map(\.lastState.terminated?.exitCode) == [88, 137])
        // In a sandbox that is lost all begin again anyhow.
        let lost = dead.with { $0.sandboxes[0].isReady = false }
        #expect(lost.outcome == ["sandbox 1 for s0"])
    }

    @Test func `the pod of a job ends when its last container does`() {
        let pod = PodCase(policy: "OnFailure", containers: ["a", "b"]).sandbox().instance("a", exit: 0)
        #expect(pod.instance("b").outcome == [])
        #expect(pod.instance("b", exit: 0).outcome == ["end Succeeded"])
        let failed = PodCase(policy: "Never", containers: ["a", "b"]).sandbox().instance("a", exit: 2)
        #expect(failed.instance("b", exit: 0).outcome == ["end Failed"])
    }

    @Test func `restarts wait, longer each time`() {
        var pod = PodCase().sandbox().instance("a", exit: 1, at: 999)
        #expect(pod.outcome == ["start a 1"])
        pod.memory.backOff.restarted("a", endedAt: Timestamp(seconds: 990))
        #expect(pod.outcome == ["back-off a", "look 1009"])
        #expect(
            pod.decision.backingOff["a"] == "back-off 10s restarting failed container=a pod=web_default(u1)")
        pod.memory.backOff.restarted("a", endedAt: Timestamp(seconds: 995))
        #expect(pod.outcome == ["back-off a", "look 1019"])
    }

    @Test func `a failed liveness probe stops the container once`() {
        let pod = PodCase().sandbox().instance("a").with { $0.verdicts["a0"] = .failing }
        #expect(pod.outcome == ["stop a0 by 1030"])
        let own = pod.with { $0.verdicts["a0"]?.terminationGracePeriod = .seconds(7) }
        #expect(own.outcome == ["stop a0 by 1007"])
        #expect(pod.with { $0.memory.stopping["a0"] = Timestamp(seconds: 1030) }.outcome == [])
    }

    @Test func `another image restarts the container`() {
        #expect(PodCase().sandbox().instance("a", image: "older").outcome == ["stop a0 by 1030"])
    }

    @Test func `one ended instance is kept for its log, older ones are not`() {
        let pod = PodCase().sandbox().instance("a", 0, exit: 1).instance("a", 1, exit: 1).instance("a", 2)
        #expect(pod.outcome == ["remove a0"])
    }

    // MARK: A lost sandbox

    @Test func `a lost sandbox is made anew, and everything in it started again`() {
        let lost = PodCase(initial: ["i"]).sandbox(0, isReady: false).instance("i", exit: 0)
            .instance("a", exit: 255)
        #expect(lost.outcome == ["sandbox 1 for s0"])
        #expect(lost.sandbox(1).outcome == ["start i 1"])
        #expect(lost.sandbox(1).instance("i", 1, in: "s1", exit: 0).outcome == ["start a 1"])
    }

    @Test func `what still runs in a lost sandbox is ended first`() {
        #expect(PodCase().sandbox(0, isReady: false).instance("a").outcome == ["stop s0"])
    }

    @Test func `a job that was done is not done again`() {
        let done = PodCase(policy: "OnFailure").sandbox(0, isReady: false).instance("a", exit: 0)
        #expect(done.outcome == ["end Succeeded"])
        let half = PodCase(policy: "OnFailure", containers: ["a", "b"]).sandbox(0, isReady: false)
            .instance("a", exit: 0).instance("b", exit: 255).sandbox(1)
        #expect(half.outcome == ["start b 1"])
    }

    @Test func `a sandbox nobody needs any more is removed`() {
        let pod = PodCase().sandbox(0, isReady: false).sandbox(1).instance("a", 1, in: "s1")
        #expect(pod.outcome == ["remove s0"])
        #expect(pod.instance("a", 0, in: "s0", exit: 1).outcome == [])
    }

    @Test func `counting goes on when the runtime has forgotten the container`() {
        let pod = PodCase().with {
            $0.pod.status.containerStatuses = [
                ContainerStatus(["name": "a", "containerID": "containerd://x", "restartCount": 4])
            ]
        }
        #expect(pod.sandbox().outcome == ["start a 5"])
    }
}

@Suite struct PodEndTests {
    @Test func `a deleted pod stops, leaves and is forgotten`() {
        let pod = PodCase(containers: ["a", "b"]).deleted()
        let running = pod.sandbox().instance("a").instance("b", exit: 0)
        #expect(running.outcome == ["stop a0 by 1030"])
        #expect(running.with { $0.memory.stopping["a0"] = Timestamp(seconds: 1030) }.outcome == [])
        #expect(pod.sandbox().instance("a", exit: 0).outcome == ["stop s0"])
        let stopped = pod.sandbox(0, isReady: false).instance("a", exit: 0)
        #expect(stopped.outcome == ["release", "remove a0", "remove s0"])
        #expect(pod.outcome == ["release"])
        #expect(pod.with { $0.memory.isReleased = true }.outcome == ["forget"])
    }

    @Test func `a pod that never started is forgotten without being started`() {
        #expect(PodCase(initial: ["i"]).deleted().with { $0.memory.isReleased = true }.outcome == ["forget"])
        #expect(PodCase(initial: ["i"]).sandbox().deleted().outcome == ["stop s0"])
    }

    @Test func `a shorter grace period shortens what is left`() {
        let pod = PodCase().deleted(grace: 5).sandbox().instance("a")
        #expect(
            pod.with { $0.memory.stopping["a0"] = Timestamp(seconds: 1030) }.outcome == ["stop a0 by 1005"])
        #expect(pod.with { $0.memory.stopping["a0"] = Timestamp(seconds: 1005) }.outcome == [])
        // A grace period of nothing still lets the process react.
        #expect(PodCase().deleted(grace: 0).sandbox().instance("a").outcome == ["stop a0 by 1001"])
    }

    @Test func `sidecars stop after the others, the last one first`() {
        let pod = PodCase(initial: ["s*", "t*"]).deleted().sandbox().instance("s").instance("t")
        #expect(pod.instance("a").outcome == ["stop a0 by 1030"])
        #expect(pod.instance("a", exit: 0).outcome == ["stop t0 by 1030"])
        #expect(
            PodCase(initial: ["s*", "t*"]).deleted().sandbox().instance("s").outcome == ["stop s0 by 1030"])
        let late = pod.with { $0.memory.endingSince = Timestamp(seconds: 960) }
        #expect(late.outcome == ["stop t0 by 1002"])
    }

    @Test func `a pod that is gone from the API ends like a deleted one`() {
        let pod = PodCase().with { $0.isGone = true }
        #expect(pod.sandbox().instance("a").outcome == ["stop a0 by 1030"])
        #expect(pod.with { $0.memory.isReleased = true }.outcome == ["forget"])
    }

    @Test func `an ended pod gives its sandbox back and keeps its containers`() {
        let pod = PodCase(policy: "Never").with { $0.memory.end = PodEnd(phase: "Succeeded") }
        #expect(pod.sandbox().instance("a", exit: 0).outcome == ["stop s0"])
        #expect(pod.sandbox(0, isReady: false).instance("a", exit: 0).outcome == ["release"])
        let released = pod.with { $0.memory.isReleased = true }
        #expect(released.sandbox(0, isReady: false).instance("a", exit: 0).outcome == [])
    }

    @Test func `whoever else ends a pod is obeyed`() {
        let evicted = PodCase().sandbox().instance("a").with {
            $0.pod.status.phase = "Failed"
            $0.pod.status.reason = "Evicted"
        }
        #expect(evicted.outcome == ["stop a0 by 1030"])
    }

    @Test func `a pod with a deadline fails when it is over`() {
        let pod = PodCase().sandbox().instance("a").with {
            $0.pod.spec.activeDeadlineSeconds = 60
            $0.pod.status.startTime = Timestamp(seconds: 950)
        }
        #expect(pod.outcome == ["look 1010"])
        let over = pod.with { $0.pod.status.startTime = Timestamp(seconds: 940) }
        #expect(over.outcome == ["end Failed DeadlineExceeded"])
    }
}

@Suite struct RestartBackOffTests {
    @Test func `delays double up to five minutes`() {
        var backOff = RestartBackOff()
        var delays: [Duration] = []
        var end = Timestamp(seconds: 0)
        #expect(backOff.wait("a", endedAt: end, now: end) == nil)
        for _ in 0..<8 {
            backOff.restarted("a", endedAt: end)
            end = end + .seconds(1)
            let wait = backOff.wait("a", endedAt: end, now: end)
            delays.append(wait?.delay ?? .zero)
            #expect(wait?.until == end + (wait?.delay ?? .zero))
        }
        #expect(delays == [10, 20, 40, 80, 160, 300, 300, 300].map { .seconds($0) })
    }

    @Test func `a node says what is the longest`() {
        var backOff = RestartBackOff()
        var delays: [Duration] = []
        for end in [Timestamp(seconds: 0), Timestamp(seconds: 1), Timestamp(seconds: 2)] {
            backOff.restarted("a", endedAt: end, most: .seconds(15))
            delays.append(backOff.wait("a", endedAt: end, now: end)?.delay ?? .zero)
        }
        #expect(delays == [.seconds(10), .seconds(15), .seconds(15)])
        backOff.restarted("b", endedAt: Timestamp(seconds: 0), most: .seconds(2))
        #expect(backOff.wait("b", endedAt: Timestamp(seconds: 1), now: Timestamp(seconds: 1))?.delay == .seconds(2))
    }

    @Test func `ten good minutes are forgiving`() {
        var backOff = RestartBackOff()
        backOff.restarted("a", endedAt: Timestamp(seconds: 0))
        backOff.restarted("a", endedAt: Timestamp(seconds: 10))
        let late = Timestamp(seconds: 611)
        #expect(backOff.wait("a", endedAt: late, now: late) == nil)
        backOff.restarted("a", endedAt: late)
        #expect(
            backOff.wait("a", endedAt: late + .seconds(1), now: late + .seconds(1))?.delay == .seconds(10))
    }

    @Test func `a wait ends, and is no other container's`() {
        var backOff = RestartBackOff()
        backOff.restarted("a", endedAt: Timestamp(seconds: 0))
        let end = Timestamp(seconds: 5)
        #expect(backOff.wait("a", endedAt: end, now: Timestamp(seconds: 14)) != nil)
        #expect(backOff.wait("a", endedAt: end, now: Timestamp(seconds: 15)) == nil)
        #expect(backOff.wait("b", endedAt: end, now: end) == nil)
    }
}
