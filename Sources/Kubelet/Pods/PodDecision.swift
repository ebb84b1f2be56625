import API
import APIMachinery
import Support

/// What must be done next for one pod.
///
/// Pure: it is made from ``PodFacts``, and whoever carries its actions out looks again and makes the next
/// one. A pod is left alone when there are no actions; ``nextLook`` is when time alone changes that.
///
/// Its rules are those of Kubernetes: one sandbox at a time; init containers one after the other, then the
/// regular ones; ended containers are restarted as the pod's policy says, with back-off; a lost sandbox is
/// made anew and everything in it started again; at the end sidecars stop last.
struct PodDecision: Sendable {
    enum Action: Hashable, Sendable {
        /// Makes a sandbox; those it replaces give their network back first.
        case createSandbox(attempt: UInt32, replacing: [String])
        case stopSandbox(String)
        case removeSandbox(String)
        /// Starts an instance of the container of this name.
        case start(String, attempt: UInt32)
        case stop(Stop)
        /// Gives running containers, and the pod's control group, other resources.
        case resize(ResizePlan)
        /// Forgets an instance that has ended.
        case removeContainer(String)
        /// Forgets instances that have ended, in this order, so that the pod begins again with what it has.
        case reset([String])
        /// The pod is over for good, whatever happens to its containers.
        case end(PodEnd)
        /// Gives back what it has of claims to devices: none of its containers runs.
        case unprepareClaims
        /// Gives volumes and control group back: nothing of the pod runs.
        case release
        /// Nothing of the pod is left in the runtime.
        case forget
    }

    /// How a container is stopped.
    struct Stop: Hashable, Sendable {
        var id: String
        var name: String
        /// It is killed then; hooks run until then, too.
        var deadline: Timestamp
        /// For the event `Killing`.
        var message: String
        /// It is started again, whatever the pod's policy says.
        var isForResize = false
        /// Nobody asks it to end: no hook runs, no signal comes before the last.
        var isAtOnce = false
    }

    enum Stage: Hashable, Sendable {
        case live
        /// The pod must end, and something of it still runs.
        case ending
        /// Nothing runs any more, and nothing will.
        case ended
    }

    private(set) var stage = Stage.live
    private(set) var actions: [Action] = []
    /// Time alone makes another decision at this instant.
    private(set) var nextLook: Timestamp?
    /// Containers that wait before they are restarted, with what the status says about it.
    private(set) var backingOff: [String: String] = [:]

    private let facts: PodFacts

    init(_ facts: PodFacts) {
        self.facts = facts
        if facts.isDeleted || facts.end != nil {
            end()
        } else if let deadline = facts.activeDeadline, deadline <= facts.now {
            actions = [.end(.deadlineExceeded)]
        } else if facts.runtime.isEmpty, let refusal = PodAdmission.refusal(of: facts.spec, facts.node) {
            actions = [.end(refusal)]
        } else if case .refused(let refusal) = facts.admission {
            actions = [.end(refusal)]
        } else {
            if let deadline = facts.activeDeadline { look(at: deadline) }
            live()
        }
    }

    private var runtime: RuntimePod { facts.runtime }
    private var memory: PodMemory { facts.memory }

    private mutating func look(at instant: Timestamp) {
        nextLook = nextLook.map { min($0, instant) } ?? instant
    }
}

// MARK: - While the pod shall run

extension PodDecision {
    private mutating func live() {
        if let cause = facts.restartOfAll { return beginAgain(after: cause) }
        if let outcome = facts.outcome {
            actions = [.end(outcome)]
            return
        }
        guard let sandbox = runtime.sandbox else { return facts.isHeld || facts.admission == .waits ? () : makeSandbox() }
        for stale in runtime.sandboxes where stale.isReady && stale.id != sandbox.id {
            actions.append(.stopSandbox(stale.id))
        }
        if begin(facts.isInitialized) {
            for member in facts.containers.regular {
                guard keep(member) else { break }
            }
        }
        // Someone who looks for a fault need not wait for the others.
        for member in facts.containers.ephemeral { keep(member) }
        resize()
        clear()
    }

    /// Everything in a lost sandbox is lost: what still runs in it is ended with it, then another one is
    /// made.
    private mutating func makeSandbox() {
        let lost = runtime.sandboxes.first
        if let lost, runtime.running.contains(where: { $0.sandboxID == lost.id }) {
            actions = [.stopSandbox(lost.id)]
            return
        }
        if let hold = memory.sandboxHold, !hold.isOver(at: facts.now) {
            if let until = hold.until { look(at: until) }
            return
        }
        actions = [
            .createSandbox(attempt: lost.map { $0.attempt + 1 } ?? 0, replacing: runtime.sandboxes.map(\.id))
        ]
    }

    /// All containers begin again, from the first init container, in the sandbox and with the volumes that are there: those
    /// that run are killed, then all are forgotten, and the one that is the cause last, so that it is found again by
    /// whoever goes on after a restart (KEP 5532).
    private mutating func beginAgain(after cause: RuntimePod.Container) {
        let spared = Set(facts.containers.ephemeral.map(\.name))
        let instances = runtime.containers.filter { !spared.contains($0.name) }
        let running = instances.filter(\.isRunning)
        guard running.isEmpty else {
            for container in running {
                if let killed = memory.stopping[container.id], killed <= facts.now + .seconds(1) { continue }
                actions.append(
                    .stop(
                        Stop(
                            id: container.id, name: container.name, deadline: facts.now,
                            message: "Container \(container.name) will be restarted with all others", isAtOnce: true)))
            }
            return
        }
        actions = [.reset(instances.map(\.id).filter { $0 != cause.id } + [cause.id])]
    }

    /// Init containers in their order. Returns whether the regular ones may start.
    private mutating func begin(_ isInitialized: Bool) -> Bool {
        for member in facts.containers.beginning {
            if member.role == .sidecar {
                keep(member)
            } else if !isInitialized, !facts.hasBegun(member) {
                keep(member)
            }
            if !isInitialized, !facts.hasBegun(member) { return false }
        }
        return true
    }

    /// Starts, restarts or stops one container. Returns whether the next one may start: a `postStart` hook
    /// that runs holds those behind it up.
    @discardableResult
    private mutating func keep(_ member: PodContainers.Member) -> Bool {
        let last = runtime.newest(member.name)
        guard let current = facts.current(member.name) else {
            if let last, last.state == .exited {
                let isDone = !facts.isRestarted(member, after: last)
                // An init container runs once more in each new sandbox.
                if isDone, member.role != .initial || last.exitCode != 0 { return true }
            }
            start(member, after: last)
            return true
        }
        switch current.state {
        case .created:
            // Left behind by a kubelet that died between making and starting it.
            actions.append(.removeContainer(current.id))
        case .running: stopIfNeeded(member, current)
        case .unknown:
            stop(
                current, member, "Container \(member.name) is in unknown state, try killing it before restart"
            )
        case .exited:
            if facts.isRestarted(member, after: current) {
                start(member, after: current)
            }
        }
        return !memory.starting.contains(current.id)
    }

    private mutating func stopIfNeeded(_ member: PodContainers.Member, _ current: RuntimePod.Container) {
        let isOther =
            member.role != .ephemeral && !current.fingerprint.isEmpty
            && current.fingerprint != ContainerFingerprint.of(member.container)
        if isOther {
            stop(current, member, "Container \(member.name) definition changed, will be restarted")
        } else if let verdict = facts.verdict(current), verdict.shouldRestart {
            stop(current, member, verdict.message, grace: verdict.terminationGracePeriod)
        } else if facts.needsRestart(member, current) {
            stop(current, member, "Container \(member.name) resize requires restart", isForResize: true)
        }
    }

    /// What was granted and needs no restart.
    private mutating func resize() {
        let plan = ResizePlan(facts)
        guard !plan.isEmpty else { return }
        if let failure = memory.resize.failure, !failure.isOver(at: facts.now) {
            if let until = failure.until { look(at: until) }
            return
        }
        actions.append(.resize(plan))
    }

    private mutating func start(_ member: PodContainers.Member, after last: RuntimePod.Container?) {
        let name = member.name
        let last = last ?? memory.former[name]
        if let last, let end = last.finishedAt,
            let wait = memory.backOff.wait(name, endedAt: end, now: facts.now)
        {
            look(at: wait.until)
            let delay = GoDuration.format(wait.delay)
            backingOff[name] =
                "back-off \(delay) restarting failed container=\(name) pod=\(facts.pod.logName)"
            return
        }
        if let hold = memory.holds[name], !hold.isOver(at: facts.now) {
            if let until = hold.until { look(at: until) }
            return
        }
        actions.append(.start(name, attempt: last.map { $0.attempt + 1 } ?? facts.restartsTold(of: name)))
    }

    private mutating func stop(
        _ container: RuntimePod.Container, _ member: PodContainers.Member, _ message: String,
        grace: Duration? = nil, isForResize: Bool = false
    ) {
        guard memory.stopping[container.id] == nil else { return }
        let period = max(grace ?? facts.gracePeriod, .seconds(1))
        actions.append(
            .stop(
                Stop(
                    id: container.id, name: member.name, deadline: facts.now + period, message: message,
                    isForResize: isForResize)))
    }

    /// One instance before the latest is kept for its log; so are the sandboxes that hold one.
    private mutating func clear() {
        var kept: [String: Int] = [:]
        var holders: Set<String> = []
        for container in runtime.containers {
            kept[container.name, default: 0] += 1
            if kept[container.name] ?? 0 <= 2 || container.state != .exited {
                holders.insert(container.sandboxID)
            } else {
                actions.append(.removeContainer(container.id))
            }
        }
        for sandbox in runtime.sandboxes.dropFirst() where !sandbox.isReady && !holders.contains(sandbox.id) {
            actions.append(.removeSandbox(sandbox.id))
        }
    }
}

// MARK: - When the pod shall end

extension PodDecision {
    private mutating func end() {
        let running = runtime.running
        if !running.isEmpty {
            stage = .ending
            stopInOrder(running)
        } else if let sandbox = runtime.sandboxes.first(where: \.isReady) {
            stage = .ending
            actions = [.stopSandbox(sandbox.id)]
        } else if facts.hasClaims {
            // Before anybody hears that it has ended: others may get the devices then.
            stage = .ending
            actions = [.unprepareClaims]
        } else {
            stage = .ended
            leave()
        }
    }

    /// Regular containers at once; then sidecars, the last one first (KEP 753).
    private mutating func stopInOrder(_ running: [RuntimePod.Container]) {
        let sidecars = facts.containers.members.filter { $0.role == .sidecar }.map(\.name)
        let others = running.filter { !sidecars.contains($0.name) }
        let last = sidecars.reversed().first { name in running.contains { $0.name == name } }
        let due = others.isEmpty ? running.filter { $0.name == last } : others
        // The clock may have been put back since.
        let deadline = min(memory.endingSince ?? facts.now, facts.now) + facts.gracePeriod
        for container in due {
            // Whatever was asked for, a process gets a moment to react.
            let killed = max(deadline, facts.now + .seconds(others.isEmpty ? 2 : 1))
            if let present = memory.stopping[container.id], present <= killed + .milliseconds(500) {
                continue
            }
            actions.append(
                .stop(
                    Stop(
                        id: container.id, name: container.name, deadline: killed,
                        message: "Stopping container \(container.name)")))
        }
    }

    /// Nothing runs. A pod that ended by itself keeps its containers for their logs until it is deleted.
    private mutating func leave() {
        if !memory.isReleased { actions.append(.release) }
        guard facts.isDeleted else { return clear() }
        for container in runtime.containers { actions.append(.removeContainer(container.id)) }
        for sandbox in runtime.sandboxes { actions.append(.removeSandbox(sandbox.id)) }
        if actions.isEmpty { actions = [.forget] }
    }
}

extension PodEnd {
    static let deadlineExceeded = PodEnd(
        phase: "Failed", reason: "DeadlineExceeded",
        message: "Pod was active on the node longer than the specified deadline",
        note: Note(isWarning: false, message: "Pod was active on the node longer than the specified deadline"))
}

extension PodFacts {
    /// The next instance's number for a container that the runtime has forgotten: the status remembers it.
    fileprivate func restartsTold(of name: String) -> UInt32 {
        let status = pod.status
        let told = (status.containerStatuses + status.initContainerStatuses).first { $0.name == name }
        guard let told, !told.containerID.isEmpty || told.lastState.terminated != nil else { return 0 }
        return UInt32(clamping: told.restartCount + 1)
    }
}

extension Pod {
    /// As the kubelet's messages name a pod: `<name>_<namespace>(<uid>)`.
    var logName: String { "\(objectName.name)_\(objectName.namespace)(\(metadata.uid))" }
}
