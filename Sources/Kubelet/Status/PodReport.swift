import API
import APIMachinery
import Support

/// The status of a pod, worked out from what is known of it (API conventions, "Typical status properties";
/// the rules of each field are those of Kubernetes' kubelet).
///
/// Pure. What belongs to others is kept as it is: conditions of other types, nominations, claims.
struct PodReport: Sendable {
    /// The node's addresses.
    let hostIPs: [String]
    private let facts: PodFacts
    private let decision: PodDecision
    private let told: PodStatus

    init(_ facts: PodFacts, _ decision: PodDecision, hostIPs: [String]) {
        self.facts = facts
        self.decision = decision
        self.hostIPs = hostIPs
        told = facts.pod.status
    }

    var status: PodStatus {
        var status = told
        let report = ContainerReport(facts, decision)
        if !isRefused { setContainers(&status, report) }
        status.observedGeneration = facts.pod.metadata.generation
        if status.value["observedGeneration"] == 0 { status.value["observedGeneration"] = nil }
        setPhase(&status)
        if status.startTime == nil { status.startTime = facts.memory.firstSeen ?? facts.now }
        if status.qosClass.isEmpty { status.qosClass = QualityOfService(facts.pod).rawValue }
        setAddresses(&status)
        let resources = ResizeReport(facts: facts)
        status.allocatedResources = resources.allocated
        status.resources = resources.ofPod
        let conditions = PodConditions(
            pod: facts.pod, status: status, isSandboxReady: facts.runtime.sandbox != nil,
            isInitialized: isInitialized || hasBegunAgain, now: facts.now,
            disruption: facts.end?.disruption,
            resize: PodConditions.Resize(facts, isLive: decision.stage == .live),
            isRestarting: facts.containers.canAllRestart ? decision.stage == .live && facts.restartOfAll != nil : nil)
        status.conditions = conditions.merged
        return status
    }

    /// A pod that has run stays initialized when its sandbox is gone.
    private var isInitialized: Bool {
        let wasTrue = told.conditions.contains { $0.type == "Initialized" && $0.status == "True" }
        return decision.stage == .live ? facts.isInitialized : facts.isInitialized || wasTrue
    }

    private func setContainers(_ status: inout PodStatus, _ report: ContainerReport) {
        for (role, key, old) in [
            (
                Set([PodContainers.Role.initial, .sidecar]), "initContainerStatuses",
                told.initContainerStatuses
            ),
            ([.regular], "containerStatuses", told.containerStatuses),
            ([.ephemeral], "ephemeralContainerStatuses", told.ephemeralContainerStatuses),
        ] {
            status.set(
                key,
                facts.containers.members.filter { role.contains($0.role) }.map { member in
                    report.status(of: member, told: old.first { $0.name == member.name })
                })
        }
    }

    /// The node did not take the pod, now or before this kubelet began: people are shown why, in the place of containers
    /// that wait for ever.
    private var isRefused: Bool {
        if facts.end?.isRefusal ?? false { return true }
        let isBeingRefused = decision.actions.contains { action in
            if case .end(let end) = action { end.isRefusal } else { false }
        }
        let isUnknown = told.containerStatuses.isEmpty && told.initContainerStatuses.isEmpty
        return isBeingRefused || facts.end != nil && facts.runtime.isEmpty && isUnknown
    }

    /// Its init containers may run once more: it has been initialized all the same (KEP 5532).
    private var hasBegunAgain: Bool {
        !facts.memory.former.isEmpty
            && told.conditions.contains { $0.type == "Initialized" && $0.status == "True" }
    }

    // MARK: Phase

    private func setPhase(_ status: inout PodStatus) {
        if let end = facts.end {
            // While containers still run, or devices are not given back, the phase is not the last one yet.
            let isOver = facts.runtime.running.isEmpty && !facts.hasClaims
            if isOver || told.phase == end.phase {
                (status.phase, status.reason, status.message) = (end.phase, end.reason, end.message)
                return
            }
            (status.reason, status.message) = (end.reason, end.message)
        }
        status.phase = phase(status)
    }

    private func phase(_ status: PodStatus) -> String {
        let states = status.containerStatuses
        let running = states.contains { $0.state.running != nil }
        let ended = states.filter { $0.state.terminated != nil || $0.lastState.terminated != nil }
        if decision.stage == .ended, facts.isDeleted {
            let all = states.allSatisfy { $0.state.terminated?.exitCode == 0 }
            return all && !states.isEmpty ? "Succeeded" : "Failed"
        }
        let isWaitingForFirst = states.contains { $0.state.waiting != nil && $0.lastState.terminated == nil }
        if isWaitingForFirst || decision.stage == .live && !isInitialized && !running { return "Pending" }
        return running || !ended.isEmpty ? "Running" : "Pending"
    }

    // MARK: Addresses

    private func setAddresses(_ status: inout PodStatus) {
        if let first = hostIPs.first {
            status.hostIP = first
            status.hostIPs = hostIPs.map { HostIP(["ip": .string($0)]) }
        }
        let ips = facts.spec.hostNetwork ? hostIPs : facts.runtime.sandbox?.ips ?? []
        // The addresses of a pod that is over stay for whoever looks at it.
        guard !ips.isEmpty, facts.runtime.sandbox != nil || facts.spec.hostNetwork && decision.stage == .live
        else {
            if decision.stage == .live {
                status.podIP = ""
                status.podIPs = []
            }
            return
        }
        status.podIP = ips.first ?? ""
        status.podIPs = ips.map { PodIP(["ip": .string($0)]) }
    }
}
