import API
import APIMachinery
import Support

/// The conditions of a pod that the kubelet keeps, and the others as they are.
struct PodConditions: Sendable {
    let pod: Pod
    /// With the containers' statuses and the phase of now.
    let status: PodStatus
    let isSandboxReady: Bool
    let isInitialized: Bool
    let now: Timestamp
    /// Why the node ends the pod though it did nothing wrong.
    var disruption: String?
    var resize = Resize()
    /// Whether all containers are on their way to begin again; `nil` where no rule asks for that.
    var isRestarting: Bool?

    /// What is said about the resizing of the pod, as long as there is something to say (KEP 1287).
    struct Resize: Hashable, Sendable {
        var pending: PendingResize?
        var isInProgress = false
        /// Why it is not done yet.
        var error = ""
        /// The generation that was granted.
        var generation = 0

        static let types: Set = ["PodResizePending", "PodResizeInProgress"]
    }

    private struct Finding {
        var type: String
        var isTrue: Bool
        var reason = ""
        var message = ""
        /// `nil` for the present one.
        var generation: Int?
    }

    /// In the order in which `kubectl describe` has shown them for years; those of others behind.
    var merged: [PodCondition] {
        let findings = [sandbox, initialized, ready, containersReady] + resizing + disrupted + restarting
        let own = findings.map(condition)
        let types = Resize.types.union(findings.map(\.type))
        return own + pod.status.conditions.filter { !types.contains($0.type) } + scheduled
    }

    /// A pod that was bound without a scheduler has it from here.
    private var scheduled: [PodCondition] {
        guard !pod.status.conditions.contains(where: { $0.type == "PodScheduled" }) else { return [] }
        return [condition(Finding(type: "PodScheduled", isTrue: true))]
    }

    /// The node ends it (KEP 3329).
    private var disrupted: [Finding] {
        disruption.map {
            [Finding(type: "DisruptionTarget", isTrue: true, reason: "TerminationByKubelet", message: $0)]
        } ?? []
    }

    /// A container ended as a rule says that asks for all of them to begin again (KEP 5532).
    private var restarting: [Finding] {
        let type = "AllContainersRestarting"
        switch (isRestarting, status.phase) {
        case (nil, _): return []
        case (_, "Succeeded"): return [Finding(type: type, isTrue: false, reason: "PodCompleted")]
        case (_, "Failed"): return [Finding(type: type, isTrue: false, reason: "PodFailed")]
        case (true, _):
            return [
                Finding(
                    type: type, isTrue: true, reason: "RestartAllContainersStarted",
                    message: "container exited with restart policy rule")
            ]
        default: return [Finding(type: type, isTrue: false)]
        }
    }

    private var resizing: [Finding] {
        var findings: [Finding] = []
        if let pending = resize.pending {
            findings.append(
                Finding(
                    type: "PodResizePending", isTrue: true, reason: pending.reason.rawValue,
                    message: pending.message))
        }
        if resize.isInProgress {
            findings.append(
                Finding(
                    type: "PodResizeInProgress", isTrue: true, reason: resize.error.isEmpty ? "" : "Error",
                    message: resize.error, generation: resize.generation))
        }
        return findings
    }

    private var sandbox: Finding { Finding(type: "PodReadyToStartContainers", isTrue: isSandboxReady) }

    private var initialized: Finding {
        if isInitialized {
            return Finding(
                type: "Initialized", isTrue: true, reason: status.phase == "Succeeded" ? "PodCompleted" : "")
        }
        let sidecars = sidecars
        // A sidecar need only have started; any other has to have ended well.
        let waiting = status.initContainerStatuses.filter { container in
            sidecars.contains(container.name) ? container.started != true : !container.ready
        }.map(\.name)
        return Finding(
            type: "Initialized", isTrue: false, reason: "ContainersNotInitialized",
            message: "containers with incomplete status: [\(waiting.joined(separator: " "))]")
    }

    /// The names of the init containers that go on beside the others (KEP 753).
    private var sidecars: Set<String> {
        Set(pod.spec.initContainers.filter { $0.restartPolicy == "Always" }.map(\.name))
    }

    private var containersReady: Finding {
        switch status.phase {
        case "Succeeded": return Finding(type: "ContainersReady", isTrue: false, reason: "PodCompleted")
        case "Failed": return Finding(type: "ContainersReady", isTrue: false, reason: "PodFailed")
        default: break
        }
        let sidecars = sidecars
        let counted =
            status.initContainerStatuses.filter { sidecars.contains($0.name) } + status.containerStatuses
        let unready = counted.filter { !$0.ready }.map(\.name)
        guard !unready.isEmpty else { return Finding(type: "ContainersReady", isTrue: true) }
        return Finding(
            type: "ContainersReady", isTrue: false, reason: "ContainersNotReady",
            message: "containers with unready status: [\(unready.joined(separator: " "))]")
    }

    /// Ready when the containers are, and everybody whose word the pod waits for has given it (KEP 580).
    private var ready: Finding {
        var finding = containersReady
        finding.type = "Ready"
        guard finding.isTrue else { return finding }
        let complaints = pod.spec.readinessGates.compactMap { gate -> String? in
            let type = gate.conditionType
            guard let condition = pod.status.conditions.first(where: { $0.type == type }) else {
                return "corresponding condition of pod readiness gate \"\(type)\" does not exist."
            }
            return condition.status == "True"
                ? nil
                : "the status of pod readiness gate \"\(type)\" is not \"True\", but \(condition.status)"
        }
        guard !complaints.isEmpty else { return finding }
        return Finding(
            type: "Ready", isTrue: false, reason: "ReadinessGatesNotReady",
            message: complaints.joined(separator: ", "))
    }

    private func condition(_ finding: Finding) -> PodCondition {
        let present = pod.status.conditions.first { $0.type == finding.type }
        var condition = PodCondition()
        condition.type = finding.type
        condition.status = finding.isTrue ? "True" : "False"
        condition.reason = finding.reason
        condition.message = finding.message
        let generation = finding.generation ?? pod.metadata.generation
        if generation > 0 { condition.observedGeneration = generation }
        condition.lastTransitionTime =
            present?.status == condition.status ? present?.lastTransitionTime ?? now : now
        return condition
    }
}

extension PodConditions.Resize {
    init(_ facts: PodFacts, isLive: Bool) {
        guard isLive else { return }
        let memory = facts.memory.resize
        pending = memory.pending
        isInProgress = facts.isResizing
        error = memory.failure?.message ?? ""
        generation = memory.generation
    }
}
