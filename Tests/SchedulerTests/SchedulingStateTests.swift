import API
import APIMachinery
import Support
import Testing

@testable import Scheduler

/// What the scheduler would do next, after what happened.
@Suite struct SchedulingStateTests {
    private let time = Timestamp(seconds: 1_900_000_000)

    private func state(_ nodes: Node...) -> SchedulingState {
        let state = SchedulingState()
        for node in nodes { state.setNode(node.objectName.name, node, at: .zero) }
        return state
    }

    /// The next attempt's jobs in short; `nil` when no pod's turn has come.
    private func next(_ state: SchedulingState, at now: Duration = .zero) -> [String]? {
        state.next(at: now, time: time)?.map { job in
            switch job {
            case .bind(let pod, let node, _, _): "\(pod.name.name) on \(node)"
            case .prepare(let pod, let node, _): "\(pod.name.name) devices on \(node)"
            case .release(let pod, _): "\(pod.name.name) gives devices up"
            case .serve(let pod, _, let node): "\(pod.name.name) claims on \(node)"
            case .tell(let pod, let verdict): "\(pod.name.name) told \(verdict.reason) \(verdict.nomination ?? "-")"
            case .preempt(let pod, let victims, let node, _):
                "\(pod.name.name) takes \(node) from \(victims.map(\.name.name).joined(separator: " "))"
            case .forgetNominations(let pods): "forget \(pods.map(\.name.name).joined(separator: " "))"
            }
        }
    }

    private func full(_ name: String) -> Node {
        Given.node(name) { $0[path: ["status", "allocatable", "cpu"]] = "1" }
    }

    private func add(_ state: SchedulingState, _ pod: PodFacts, at now: Duration = .zero) {
        _ = state.setPod(pod.name, pod, at: now)
    }

    @Test func `a decision sees the one before, though nothing is bound yet`() {
        let state = state(full("a"))
        add(state, Given.pod("p", requests: ["cpu": "1"]))
        add(state, Given.pod("q", requests: ["cpu": "1"]))
        #expect(next(state) == ["p on a"])
        #expect(next(state) == ["q told unschedulable -"])
        #expect(next(state) == nil)
    }

    @Test func `what could not be bound gives its room back, and is tried again later`() {
        let state = state(full("a"))
        let pod = Given.pod("p", requests: ["cpu": "1"])
        add(state, pod)
        #expect(next(state) == ["p on a"])
        let journey = SchedulerFigures.Journey(came: .zero, began: .zero, attempts: 1)
        state.finished(.bind(pod, node: "a", [], journey), Status(code: 500, reason: .internalError, message: ""), at: .zero)
        #expect(state.cluster.node("a")?.podCount == 0)
        #expect(next(state, at: .milliseconds(999)) == nil)
        #expect(next(state, at: .seconds(1)) == ["p on a"])
        // The binding is seen before the job says so; an older version of the pod changes nothing.
        add(state, Given.pod("p", requests: ["cpu": "1"], on: "a"), at: .seconds(2))
        add(state, pod, at: .seconds(2))
        #expect(next(state, at: .seconds(100)) == nil)
        #expect(state.cluster.node("a")?.podCount == 1)
    }

    /// What is known of the claims of all pods.
    private final class Claims {
        var facts = VolumeFacts(claims: [("c", .waitsForConsumer(.init(isProvisioned: true)))])
    }

    @Test func `a pod waits for its volumes for so long, then fails and is tried again`() {
        var profile = Profile()
        profile.volumeTimeout = .seconds(400)
        let claims = Claims()
        let state = SchedulingState(profiles: [profile], volumes: { _ in claims.facts })
        state.setNode("a", full("a"), at: .zero)
        let pod = Given.pod("p", requests: ["cpu": "1"])
        add(state, pod)
        #expect(next(state) == ["p claims on a"])
        claims.facts.claims = [("c", .waitsForConsumer(.init(isProvisioned: true, selectedNode: "a")))]
        // It is looked at again before, and counts on the node all the time.
        #expect(state.nextDue == .seconds(300))
        #expect(next(state, at: .seconds(300)) == ["p claims on a"])
        #expect(state.nextDue == .seconds(400))
        #expect(next(state, at: .milliseconds(399_999)) == nil)
        #expect(state.cluster.node("a")?.podCount == 1)
        guard case .tell(_, let verdict)? = state.next(at: .seconds(400), time: time)?.first else {
            Issue.record("it has waited for too long")
            return
        }
        #expect(verdict.reason == .error)
        #expect(
            verdict.message
                == "running PreBind plugin \"VolumeBinding\": binding volumes: context deadline exceeded")
        #expect(state.cluster.node("a")?.podCount == 0)
        // A new attempt has all of the time again.
        #expect(next(state, at: .milliseconds(400_999)) == nil)
        #expect(next(state, at: .seconds(401)) == ["p claims on a"])
        #expect(next(state, at: .seconds(701)) == ["p claims on a"])
        #expect(next(state, at: .seconds(800)) == nil)
        claims.facts.claims = [("c", .bound(nodes: nil))]
        #expect(next(state, at: .seconds(801)) == ["p on a"])
        #expect(state.cluster.node("a")?.podCount == 1)
    }

    @Test func `a pod that fits nowhere any more does not wait for its volumes`() {
        let claims = Claims()
        let state = SchedulingState(volumes: { _ in claims.facts })
        state.setNode("a", full("a"), at: .zero)
        add(state, Given.pod("p", requests: ["cpu": "1"]))
        #expect(next(state) == ["p claims on a"])
        claims.facts.claims = [("c", .waitsForConsumer(.init(isProvisioned: true, selectedNode: "b")))]
        #expect(next(state, at: .seconds(599)) == ["p told unschedulable -"])
        claims.facts.claims = [("c", .waitsForConsumer(.init(isProvisioned: true, selectedNode: "a")))]
        #expect(next(state, at: .seconds(1000)) == ["p claims on a"])
        #expect(next(state, at: .seconds(1300)) == ["p claims on a"])
        #expect(next(state, at: .seconds(1599)) == nil)
        #expect(next(state, at: .seconds(1600)) == ["p told error -"])
    }

    @Test func `a pod that ends or goes wakes those that fit now`() {
        let state = state(full("a"))
        add(state, Given.pod("old", requests: ["cpu": "1"], on: "a"))
        add(state, Given.pod("big", requests: ["cpu": "2"]))
        add(state, Given.pod("new", requests: ["cpu": "1"]))
        #expect(next(state) == ["big told unschedulable -"])
        #expect(next(state) == ["new told unschedulable -"])
        add(state, Given.pod("old", requests: ["cpu": "1"], on: "a", status: ["phase": "Succeeded"]), at: .seconds(9))
        #expect(next(state, at: .seconds(9)) == ["new on a"])
        #expect(next(state, at: .seconds(9)) == nil)
    }

    @Test func `victims are chosen once`() {
        let state = state(full("a"))
        let victim = Given.pod("low", requests: ["cpu": "1"], on: "a")
        add(state, victim)
        let high = Given.pod("high", requests: ["cpu": "1"], priority: 5)
        add(state, high)
        #expect(next(state) == ["high takes a from low"])
        state.happened(.nodeLeft, at: .seconds(20))
        // Another try, before the victims are seen to leave, sends nobody else away.
        state.setNode("b", full("b"), at: .seconds(20))
        add(state, Given.pod("other", requests: ["cpu": "1"], priority: 9, on: "b"), at: .seconds(20))
        #expect(next(state, at: .seconds(20)) == ["high told unschedulable -"])
    }

    @Test func `a gated pod is told so, once`() {
        let state = state(full("a"))
        let gates: Value = ["schedulingGates": [["name": "g"]]]
        let pod = Given.pod("p", gates)
        guard case .tell(_, let verdict)? = state.setPod(pod.name, pod, at: .zero) else {
            return #expect(Bool(false), "it is told")
        }
        #expect(verdict.message == "Scheduling is blocked due to non-empty scheduling gates")
        let condition: Value = [
            "type": "PodScheduled", "status": "False", "reason": "SchedulingGated", "message": .string(verdict.message),
        ]
        let told = Given.pod("p", gates, status: ["conditions": [condition]])
        if state.setPod(told.name, told, at: .zero) != nil { Issue.record("it is told again") }
        #expect(next(state, at: .seconds(1000)) == nil)
    }

    @Test func `only pods of a profile are ours`() {
        let state = state(full("a"))
        add(state, Given.pod("p", ["schedulerName": "other"]))
        #expect(next(state) == nil)
    }
}
