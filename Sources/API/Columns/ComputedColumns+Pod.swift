import APIMachinery
import Support

// A pod's row: what its containers are doing, in one word.
extension ComputedColumns {
    static let pod: [String: ComputedCell] = [
        "Ready": { pod, _ in
            let summary = PodSummary(pod)
            return .string("\(summary.ready)/\(summary.total)")
        },
        "Status": { pod, _ in .string(PodSummary(pod).reason) },
        "Restarts": { pod, now in
            let summary = PodSummary(pod)
            guard summary.restarts > 0, let last = summary.lastRestart else {
                return .string("\(summary.restarts)")
            }
            return .string("\(summary.restarts) (\(Age.text(since: last, now: now)) ago)")
        },
        "Readiness Gates": { pod, _ in
            let gates = (pod.at("spec", "readinessGates")?.array ?? []).compactMap {
                $0["conditionType"]?.string
            }
            guard !gates.isEmpty else { return "<none>" }
            return .string("\(gates.count { hasCondition($0, of: pod) })/\(gates.count)")
        },
    ]
}

/// What the containers of a pod add up to.
struct PodSummary {
    private(set) var reason = ""
    private(set) var ready = 0
    private(set) var total = 0
    private(set) var restarts = 0
    private(set) var lastRestart: Timestamp?

    private var sidecars: Set<String> = []
    private var sidecarRestarts = 0
    private var lastSidecarRestart: Timestamp?

    init(_ pod: Value) {
        let phase = pod.at("status", "phase")?.string ?? ""
        let statusReason = pod.at("status", "reason")?.string ?? ""
        reason = statusReason.isEmpty ? phase : statusReason
        let scheduled = ComputedColumns.condition("PodScheduled", of: pod)
        if scheduled?["reason"]?.string == "SchedulingGated" { reason = "SchedulingGated" }
        let initContainers = pod.at("spec", "initContainers")?.array ?? []
        sidecars = Set(
            initContainers.filter { $0["restartPolicy"]?.string == "Always" }.compactMap {
                $0["name"]?.string
            })
        total = (pod.at("spec", "containers")?.array ?? []).count + sidecars.count

        let isInitializing = addInitContainers(pod, count: initContainers.count)
        if !isInitializing || ComputedColumns.hasCondition("Initialized", of: pod) {
            restarts = sidecarRestarts
            lastRestart = lastSidecarRestart
            addContainers(pod)
        }
        guard ComputedColumns.isDeleting(pod) else { return }
        if statusReason == "NodeLost" {
            reason = "Unknown"
        } else if phase != "Succeeded", phase != "Failed" {
            reason = "Terminating"
        }
    }

    /// Whether an init container is still to finish; that one gives the reason.
    private mutating func addInitContainers(_ pod: Value, count: Int) -> Bool {
        for (index, status) in (pod.at("status", "initContainerStatuses")?.array ?? []).enumerated() {
            let isSidecar = sidecars.contains(status["name"]?.string ?? "")
            addRestarts(status)
            if isSidecar {
                sidecarRestarts += Int(status["restartCount"]?.integer ?? 0)
                lastSidecarRestart = later(lastSidecarRestart, Self.lastFinish(status))
            }
            let terminated = status.at("state", "terminated")
            if let terminated, terminated["exitCode"]?.integer ?? 0 == 0 { continue }
            if isSidecar, status["started"]?.bool == true {
                if status["ready"]?.bool == true { ready += 1 }
                continue
            }
            let waiting = status.at("state", "waiting", "reason")?.string ?? ""
            if let terminated {
                reason = "Init:" + Self.endReason(terminated)
            } else if !waiting.isEmpty, waiting != "PodInitializing" {
                reason = "Init:" + waiting
            } else {
                reason = "Init:\(index)/\(count)"
            }
            return true
        }
        return false
    }

    /// The reason of the first container that has one; a pod with something running is not "Completed".
    private mutating func addContainers(_ pod: Value) {
        var isAnyRunning = false
        var failure: String?
        for status in (pod.at("status", "containerStatuses")?.array ?? []).reversed() {
            addRestarts(status)
            let waiting = status.at("state", "waiting", "reason")?.string ?? ""
            if !waiting.isEmpty {
                reason = waiting
            } else if let terminated = status.at("state", "terminated") {
                reason = Self.endReason(terminated)
                if terminated["exitCode"]?.integer ?? 0 != 0 { failure = reason }
            } else if status["ready"]?.bool == true, status.at("state", "running") != nil {
                isAnyRunning = true
                ready += 1
            }
        }
        guard reason == "Completed" else { return }
        if isAnyRunning, ComputedColumns.hasCondition("Ready", of: pod) {
            reason = "Running"
        } else if let failure {
            reason = failure
        } else if isAnyRunning {
            reason = "NotReady"
        }
    }

    private mutating func addRestarts(_ status: Value) {
        restarts += Int(status["restartCount"]?.integer ?? 0)
        lastRestart = later(lastRestart, Self.lastFinish(status))
    }

    private func later(_ a: Timestamp?, _ b: Timestamp?) -> Timestamp? {
        guard let a, let b else { return a ?? b }
        return max(a, b)
    }

    private static func lastFinish(_ status: Value) -> Timestamp? {
        ComputedColumns.time(status.at("lastState", "terminated", "finishedAt"))
    }

    private static func endReason(_ terminated: Value) -> String {
        let reason = terminated["reason"]?.string ?? ""
        if !reason.isEmpty { return reason }
        let signal = terminated["signal"]?.integer ?? 0
        return signal != 0 ? "Signal:\(signal)" : "ExitCode:\(terminated["exitCode"]?.integer ?? 0)"
    }
}
