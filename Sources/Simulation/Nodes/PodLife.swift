import API
import APIMachinery
import Support

/// A pod on its node, as its kubelet knows it.
///
/// Pure: it is fed the object and the time, and says what its status shall be and when to look again.
struct PodLife: Sendable {
    enum Phase: Hashable, Sendable {
        /// Its containers begin at this moment.
        case starting(at: Timestamp)
        case running(since: Timestamp)
        /// It ended, and begins again at this moment.
        case waiting(until: Timestamp, exitCode: Int)
        case ended(at: Timestamp, exitCode: Int)
    }

    /// What the node does next.
    enum Step: Equatable, Sendable {
        /// Look again then; `nil` when nothing is to come by itself.
        case wait(until: Timestamp?)
        /// Nothing of it is left here: the object may go.
        case remove
    }

    let uid: String
    let plan: PodPlan
    let ip: String
    private(set) var phase: Phase
    private(set) var restarts: Int
    /// Whether it shall never end. Such a pod crashes once at most.
    private let isForGood: Bool
    /// When it was first seen here.
    private let seen: Timestamp
    private var stopsAt: Timestamp?

    /// A pod that the node sees for the first time, or for the first time since the machine was started again: what
    /// ran then runs no more.
    init(_ pod: Pod, _ plan: PodPlan, ip: String, at now: Timestamp) {
        uid = pod.metadata.uid
        self.plan = plan
        self.ip = ip
        seen = pod.status.startTime ?? now
        let ran = pod.status.containerStatuses.first
        restarts = ran?.restartCount ?? 0
        isForGood = pod.spec.restartPolicy == "Always"
        phase = .starting(at: now + plan.start)
        if ran?.state.running != nil || ran?.lastState.terminated != nil {
            restarts += 1
            // 137: killed.
            if pod.spec.restartPolicy == "Never" { phase = .ended(at: now, exitCode: 137) }
        }
    }

    /// Moves on to what is true now.
    mutating func advance(_ pod: Pod, to now: Timestamp) -> Step {
        if pod.isOver {
            // What is over is told already; it stays as it is told.
            if case .ended = phase {} else { phase = .ended(at: now, exitCode: pod.status.phase == "Failed" ? 1 : 0) }
        }
        while let next = due, next <= now { pass(next, pod.spec.restartPolicy) }
        guard pod.metadata.deletionTimestamp != nil else { return .wait(until: due) }
        if case .ended = phase { return .remove }
        let grace = Duration.seconds(pod.metadata.deletionGracePeriodSeconds ?? 30)
        let end = min(stopsAt ?? now + plan.stop, now + grace)
        stopsAt = end
        guard end <= now else { return .wait(until: min(end, due ?? end)) }
        let hasRun = if case .running = phase { true } else { false }
        phase = .ended(at: now, exitCode: hasRun && plan.stop <= grace ? 0 : 137)
        return .remove
    }

    /// When something happens by itself.
    private var due: Timestamp? {
        switch phase {
        case .starting(let moment): moment
        case .running(let since): (isForGood && restarts > 0 ? nil : plan.life).map { since + $0 }
        case .waiting(let moment, _): moment
        case .ended: nil
        }
    }

    private mutating func pass(_ moment: Timestamp, _ policy: String) {
        switch phase {
        case .starting, .waiting:
            phase = .running(since: moment)
        case .running:
            let code = plan.exitCode(restarts)
            if policy == "Never" || policy == "OnFailure" && code == 0 {
                phase = .ended(at: moment, exitCode: code)
            } else {
                restarts += 1
                // The kubelet's back-off: ten seconds, doubling up to five minutes.
                let pause = Duration.seconds(min(10 << min(restarts - 1, 5), 300))
                phase = .waiting(until: moment + pause, exitCode: code)
            }
        case .ended: break
        }
    }

    /// Whether containers of it run.
    var isRunning: Bool { if case .running = phase { true } else { false } }

    private func isReady(at now: Timestamp) -> Bool {
        if case .running(let since) = phase { since + plan.warmUp <= now } else { false }
    }

    /// When it becomes ready, if it is not yet.
    func readyAt(after now: Timestamp) -> Timestamp? {
        guard case .running(let since) = phase, since + plan.warmUp > now else { return nil }
        return since + plan.warmUp
    }

    // MARK: What is told

    /// The pod's status as the kubelet has it now.
    func status(of pod: Pod, hostIP: String, at now: Timestamp) -> Value {
        var status: Value = ["phase": .string(phaseName)]
        status["startTime"] = .string(seen.description)
        status["hostIP"] = .string(hostIP)
        status["hostIPs"] = [["ip": .string(hostIP)]]
        if case .starting = phase {} else {
            status["podIP"] = .string(ip)
            status["podIPs"] = [["ip": .string(ip)]]
        }
        let isReady = isReady(at: now)
        let isOver = if case .ended = phase { true } else { false }
        let reason: String? = isReady ? nil : isOver ? "PodCompleted" : "ContainersNotReady"
        status["conditions"] = .array(
            [("Initialized", true), ("ContainersReady", isReady), ("Ready", isReady)].map { type, holds in
                condition(type, holds, holds ? nil : reason, pod, now)
            })
        status["containerStatuses"] = .array(
            pod.spec.containers.map { container in
                var shown: Value = [
                    "name": .string(container.name), "image": .string(container.image), "imageID": "sha256:0",
                    "ready": .bool(isReady), "started": .bool(isReady), "restartCount": .integer(Int64(restarts)),
                    "state": state,
                ]
                if restarts > 0, !isOver { shown["lastState"] = terminated(plan.exitCode(restarts - 1), at: seen) }
                return shown
            })
        return status
    }

    private var phaseName: String {
        switch phase {
        case .starting: restarts > 0 ? "Running" : "Pending"
        case .running, .waiting: "Running"
        case .ended(_, let code): code == 0 ? "Succeeded" : "Failed"
        }
    }

    private var state: Value {
        switch phase {
        case .starting: ["waiting": ["reason": "ContainerCreating"]]
        case .running(let since): ["running": ["startedAt": .string(since.description)]]
        case .waiting: ["waiting": ["reason": "CrashLoopBackOff"]]
        case .ended(let moment, let code): terminated(code, at: moment)
        }
    }

    private func terminated(_ code: Int, at moment: Timestamp) -> Value {
        [
            "terminated": [
                "exitCode": .integer(Int64(code)), "reason": code == 0 ? "Completed" : "Error",
                "startedAt": .string(seen.description), "finishedAt": .string(moment.description),
            ]
        ]
    }

    private func condition(_ type: String, _ holds: Bool, _ reason: String?, _ pod: Pod, _ now: Timestamp) -> Value {
        let status: Value = holds ? "True" : "False"
        let old = (pod.value.at("status", "conditions")?.array ?? []).first { $0["type"]?.string == type }
        var condition: Value = ["type": .string(type), "status": status]
        condition["reason"] = reason.map(Value.string)
        let since = old?["status"] == status ? old?["lastTransitionTime"] : nil
        condition["lastTransitionTime"] = since ?? .string(now.description)
        return condition
    }
}

extension Pod {
    /// Its containers ended for good, and everybody was told.
    var isOver: Bool { status.phase == "Succeeded" || status.phase == "Failed" }
}
