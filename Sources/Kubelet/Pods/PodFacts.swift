import API
import Support

/// All that a decision about a pod rests on.
struct PodFacts: Sendable {
    let pod: Pod
    let spec: PodSpec
    let containers: PodContainers
    /// The API has the pod no more.
    var isGone: Bool
    var runtime: RuntimePod
    var memory: PodMemory
    /// What the probes say, by container id.
    var verdicts: [String: ProbeVerdict]
    /// An earlier pod of this name still leaves.
    var isHeld = false
    var admission = AdmissionVerdict.admitted
    /// Of the node, as far as the pod needs to know.
    var node = NodeAbilities()
    /// How the devices of containers are, by their names.
    var devices: [String: [ResourceStatus]] = [:]
    /// It has devices of claims, or is about to have.
    var hasClaims = false
    var now: Timestamp

    init(
        _ pod: Pod, isGone: Bool = false, runtime: RuntimePod = RuntimePod(), memory: PodMemory = PodMemory(),
        verdicts: [String: ProbeVerdict] = [:], now: Timestamp
    ) {
        self.pod = pod
        spec = pod.spec
        containers = PodContainers(spec)
        self.isGone = isGone
        self.runtime = runtime
        self.memory = memory
        self.verdicts = verdicts
        self.now = now
    }

    /// The pod shall leave the node.
    var isDeleted: Bool { isGone || pod.metadata.deletionTimestamp != nil }

    /// How long its containers are given to stop, as things stand.
    var gracePeriod: Duration {
        if let grace = memory.end?.gracePeriod { return max(grace, .seconds(1)) }
        let asked = isDeleted ? pod.metadata.deletionGracePeriodSeconds : nil
        return .seconds(min(max(asked ?? spec.terminationGracePeriodSeconds ?? 30, 1), Self.longestGrace))
    }

    /// Seconds: more than a century. Users may write any number, and clocks overflow when the greatest is added to now.
    static let longestGrace = 1 << 32

    /// Whether it is over for good, by what the kubelet or somebody else found (eviction, pod garbage
    /// collection).
    var end: PodEnd? {
        if let end = memory.end { return end }
        let status = pod.status
        guard status.phase == "Succeeded" || status.phase == "Failed" else { return nil }
        return PodEnd(phase: status.phase, reason: status.reason, message: status.message)
    }

    /// When `activeDeadlineSeconds` is over.
    var activeDeadline: Timestamp? {
        guard let seconds = spec.activeDeadlineSeconds,
            let start = pod.status.startTime ?? memory.firstSeen
        else { return nil }
        return start + .seconds(seconds)
    }

    func verdict(_ container: RuntimePod.Container) -> ProbeVerdict? { verdicts[container.id] }

    /// Whether the container has started, hook and startup probe included.
    func hasStarted(_ container: RuntimePod.Container) -> Bool {
        container.state == .running && !memory.starting.contains(container.id)
            && verdict(container)?.isStarted ?? true
    }

    /// The container whose end makes all others begin again (KEP 5532).
    var restartOfAll: RuntimePod.Container? {
        containers.members.lazy.compactMap { member in
            guard let current = current(member.name), current.state == .exited,
                member.rule(after: current.exitCode) == .restartAllContainers
            else { return nil }
            return current
        }.first
    }

    /// The latest instance, if it is in the present sandbox.
    func current(_ name: String) -> RuntimePod.Container? {
        guard let sandbox = runtime.sandbox, let newest = runtime.newest(name) else { return nil }
        return newest.sandboxID == sandbox.id ? newest : nil
    }

    /// Whether the init containers are done with: a regular container of this sandbox was made, or every
    /// one of them has ended well (a sidecar: has started).
    var isInitialized: Bool {
        containers.regular.contains { current($0.name) != nil } || containers.beginning.allSatisfy(hasBegun)
    }

    func hasBegun(_ member: PodContainers.Member) -> Bool {
        guard let current = current(member.name) else { return false }
        return member.role == .sidecar
            ? hasStarted(current) : current.state == .exited && current.exitCode == 0
    }

    /// How the pod ended by itself: no container will run any more. `nil` while one does or will.
    var outcome: PodEnd? {
        let policy = spec.restartPolicy
        if !isInitialized {
            let failed = containers.beginning.contains { member in
                guard member.role == .initial, let last = runtime.newest(member.name), last.state == .exited
                else { return false }
                return last.exitCode != 0 && !member.isRestarted(exitCode: last.exitCode, policy: policy)
            }
            if failed { return PodEnd(phase: "Failed") }
        }
        var hasFailed = false
        for member in containers.regular {
            guard let last = runtime.newest(member.name), last.state == .exited,
                !isRestarted(member, after: last)
            else { return nil }
            hasFailed = hasFailed || last.exitCode != 0
        }
        return PodEnd(phase: hasFailed ? "Failed" : "Succeeded")
    }
}
