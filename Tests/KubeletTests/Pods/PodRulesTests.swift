import API
import APIMachinery
import Support
import Testing

@testable import Kubelet

/// Rules of the decision that stand between the large ones.
@Suite struct PodRulesTests {
    @Test func `a pod that runs is not refused any more`() {
        let pod = PodCase().with {
            $0.pod.spec.securityContext = PodSecurityContext(["sysctls": [["name": "kernel.msgmax", "value": "1"]]])
        }
        #expect(pod.outcome == ["end Failed SysctlForbidden"])
        #expect(pod.sandbox().instance("a").outcome == [])
    }

    @Test func `of two sandboxes the older one stops`() {
        #expect(PodCase().sandbox(0).sandbox(1).instance("a", 1, in: "s1").outcome == ["stop s0"])
    }

    @Test func `a container in an unknown state is stopped first`() {
        #expect(PodCase().sandbox().instance("a", state: .unknown).outcome == ["stop a0 by 1030"])
    }

    @Test func `only what is known to be another definition is restarted, and no ephemeral container`() {
        let unknown = PodCase().sandbox().instance("a").with { $0.containers[0].fingerprint = "" }
        #expect(unknown.outcome == [])
        let ephemeral = PodCase().with {
            $0.pod.spec.ephemeralContainers = [EphemeralContainer(["name": "e", "image": "image"])]
        }
        #expect(ephemeral.sandbox().instance("a").instance("e", image: "older").outcome == [])
    }

    @Test func `no process is killed without a moment to react`() {
        let failing = PodCase().sandbox().instance("a").with {
            $0.verdicts["a0"] = .failing
            $0.verdicts["a0"]?.terminationGracePeriod = .zero
        }
        #expect(failing.outcome == ["stop a0 by 1001"])
        #expect(PodCase().deleted(grace: 0).facts.gracePeriod == .seconds(1))
    }

    @Test func `what still runs is not forgotten, however old`() {
        let pod = PodCase().sandbox().instance("a", 0).instance("a", 1, exit: 1).instance("a", 2)
        #expect(pod.outcome == [])
    }

    @Test func `the next look is the first of all that are due`() {
        let pod = { (held: Int64) in
            PodCase().sandbox().with {
                $0.pod.spec.activeDeadlineSeconds = 60
                $0.memory.firstSeen = Timestamp(seconds: 950)
                $0.memory.holds["a"] = PodMemory.Hold(
                    reason: "x", message: "", until: Timestamp(seconds: held))
            }
        }
        #expect(pod(1005).outcome == ["look 1005"])
        #expect(pod(1020).outcome == ["look 1010"])
        let late = pod(1020).with { $0.memory.firstSeen = Timestamp(seconds: 940) }
        #expect(late.outcome == ["end Failed DeadlineExceeded"])
    }

    @Test func `a sidecar has started when its hook has ended`() {
        let pod = PodCase(initial: ["s*"]).sandbox().instance("s")
        #expect(pod.with { $0.memory.starting = ["s0"] }.outcome == [])
        #expect(pod.outcome == ["start a 0"])
    }

    @Test func `an init container that failed once does not end a pod that runs`() {
        let pod = PodCase(policy: "Never", initial: ["i"]).sandbox().instance("i", exit: 1).instance("a")
        #expect(pod.outcome == [])
    }

    @Test func `a rule may name the exit codes that do not restart`() {
        let rules: Value = [["action": "Restart", "exitCodes": ["operator": "NotIn", "values": [42]]]]
        let pod = PodCase(policy: "Never").with { $0.pod.spec.containers[0].value["restartPolicyRules"] = rules }
        #expect(pod.sandbox().instance("a", exit: 41).outcome == ["start a 1"])
        #expect(pod.sandbox().instance("a", exit: 42).outcome == ["end Failed"])
    }
}
