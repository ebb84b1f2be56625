import API
import APIMachinery
import Client
import Host
import Logging
import Runtime
import Support

/// Works on one pod: looks at it, decides, acts, and looks again until nothing is left to do now.
struct PodWorker: Sendable {
    /// More rounds than any pod needs; whoever has not settled by then makes room for others first.
    private static let rounds = 64

    let context: PodContext
    let writer: PodStatusWriter
    let record: PodRecord

    private var uid: String { record.uid }

    /// Returns after how long time alone makes another look worthwhile.
    func work() async throws(Fault) -> Duration? {
        for _ in 0..<Self.rounds {
            let facts = try await look()
            let decision = PodDecision(facts)
            report(facts, decision)
            guard !decision.actions.isEmpty else {
                // What is awaited may have come while it was being noted.
                guard try await observeAwaited(decision) else { continue }
                let rest = decision.nextLook.map { max($0 - .now, .zero) }
                guard await adoptVolumes(facts, decision) else {
                    return min(rest ?? .seconds(30), .seconds(30))
                }
                return rest
            }
            for action in decision.actions {
                guard try await perform(action, facts) else { return nil }
            }
        }
        return .zero
    }

    // MARK: Looking

    private func look() async throws(Fault) -> PodFacts {
        let now = Timestamp.now
        liftHolds()
        let present = record.present
        let runtime = try await RuntimePod.look(uid, in: context.runtime, ended: present.ended)
        context.table.own(runtime.sandboxes.map(\.id) + runtime.containers.map(\.id), uid)
        var pod: Pod
        if let object = present.object {
            pod = Pod(object)
        } else {
            pod = try await orphan(runtime)
        }
        let isGone = present.object == nil || present.isGone
        let isOver = ["Succeeded", "Failed"].contains(pod.status.phase) || present.memory.end != nil
        if present.isStatic { recallStatus(&pod) }
        pod = allocate(pod, runtime, isActive: !isGone && !isOver && pod.metadata.deletionTimestamp == nil)
        let memory = record.change { state in
            if state.memory.firstSeen == nil { state.memory.firstSeen = now }
            let isEnding = isGone || pod.metadata.deletionTimestamp != nil || state.memory.end != nil
            if isEnding, state.memory.endingSince == nil { state.memory.endingSince = now }
            state.sandboxID = runtime.sandbox?.id
            let ids = Set(runtime.containers.map(\.id))
            state.ended = state.ended.filter { ids.contains($0.key) }
            state.memory.resize.told = state.memory.resize.told.filter { ids.contains($0.key) }
            state.memory.resize.restarting.formIntersection(ids)
            for container in runtime.containers where container.state == .exited {
                state.ended[container.id] = container
            }
            return state.memory
        }
        var facts = PodFacts(pod, isGone: isGone, runtime: runtime, memory: memory, now: now)
        facts.node = try await abilities(facts)
        facts.admission = await admit(facts, isActive: !isOver)
        facts.isHeld = present.isStatic && context.table.isHeld(pod.objectName, besides: uid)
        facts.devices = devices(facts)
        facts.hasClaims = context.claims.hasClaims(uid)
        readMessages(&facts)
        probe(&facts)
        return facts
    }

    private func devices(_ facts: PodFacts) -> [String: [ResourceStatus]] {
        let ledger = context.resources.devices.read(\.self)
        var devices: [String: [ResourceStatus]] = [:]
        for member in facts.containers.regular {
            let list =
                DeviceHealth.report(uid, member.name, ledger)
                + context.claims.statuses(of: member.container, in: facts.pod)
            if !list.isEmpty { devices[member.name] = list }
        }
        return devices
    }

    /// A pod that the API forgot while nobody looked: what the runtime remembers of it suffices to end it,
    /// at once.
    private func orphan(_ runtime: RuntimePod) async throws(Fault) -> Pod {
        var (name, namespace) = ("", "")
        if let sandbox = runtime.sandboxes.first {
            let metadata = try await context.runtime.podSandboxStatus(sandbox.id).metadata
            (name, namespace) = (metadata.name, metadata.namespace)
        }
        var pod = Pod(namespace: namespace, name: name)
        pod.metadata.uid = uid
        pod.spec.terminationGracePeriodSeconds = 1
        return pod
    }

    /// What lasts of the status of a pod that comes from a file is known by its mirror only. How it ended is not taken from
    /// there: a pod of a file is tried again by a kubelet that starts.
    private func recallStatus(_ pod: inout Pod) {
        guard let mirror = context.table.mirrors[pod.objectName], !mirror.isOutdated else { return }
        let told = Pod(mirror.object).status
        (pod.status.startTime, pod.status.conditions) = (told.startTime, told.conditions)
    }

    /// Whether the node takes the pod: asked of what has not begun, what runs is taken as it is. Others may have to go for
    /// it.
    private func admit(_ facts: PodFacts, isActive: Bool) async -> AdmissionVerdict {
        guard isActive, !facts.isDeleted else { return .admitted }
        guard facts.runtime.isEmpty else {
            context.admission.note(facts.pod)
            await weigh(facts.pod)
            return .admitted
        }
        let verdict = await context.admission.admit(facts.pod)
        if case .preempts(let uids) = verdict {
            for uid in uids { context.end(uid, .preempted) }
            return .waits
        }
        return verdict
    }

    /// Asked only where it matters.
    private func abilities(_ facts: PodFacts) async throws(Fault) -> NodeAbilities {
        var node = NodeAbilities(sysctls: context.options.sysctls, hasAppArmor: context.hasAppArmor)
        guard facts.runtime.isEmpty, !facts.isDeleted, facts.spec.hasStrictGroups else { return node }
        node.hasStrictGroups = try await context.runtime.status().features?.supplementalGroupsPolicy ?? false
        return node
    }

    private func readMessages(_ facts: inout PodFacts) {
        let files = context.files(facts.pod)
        for container in facts.runtime.containers
        where container.state == .exited && facts.memory.messages[container.id] == nil {
            let policy = facts.containers[container.name]?.container.terminationMessagePolicy ?? ""
            facts.memory.messages[container.id] = files.message(of: container, policy: policy)
        }
        let messages = facts.memory.messages
        record.remember { $0.messages = messages }
    }

    /// Sees to it that what runs is probed and its log looked after, and asks what the probes say.
    private func probe(_ facts: inout PodFacts) {
        for container in facts.runtime.containers {
            if container.state == .running {
                context.logs.start(containerID: container.id, path: container.logPath)
            } else {
                context.logs.stop(containerID: container.id)
            }
            guard container.state == .running, let member = facts.containers[container.name] else {
                context.prober.stop(containerID: container.id)
                continue
            }
            guard !facts.memory.starting.contains(container.id) else { continue }
            if facts.end == nil, !facts.isDeleted {
                let ip = facts.spec.hostNetwork ? context.hostIPs.first : facts.runtime.sandbox?.ips.first
                context.prober.start(
                    facts.pod, member.container, containerID: container.id, podIP: ip ?? "",
                    startedAt: container.startedAt ?? facts.now)
            }
            facts.verdicts[container.id] = context.prober.verdict(containerID: container.id)
        }
    }

    /// The volumes of a pod that another kubelet started are kept true from here on, too.
    private func adoptVolumes(_ facts: PodFacts, _ decision: PodDecision) async -> Bool {
        guard decision.stage == .live, facts.runtime.sandbox != nil, record.present.volumes == nil else {
            return true
        }
        do throws(Fault) {
            let volumes = try await context.volumes.mount(facts.pod)
            record.change { $0.volumes = volumes }
            return true
        } catch where error.isUnderWay {
            return true
        } catch {
            context.log.info(
                "the volumes of pod \(facts.pod.objectName) are not kept true yet: \(error.forPeople)")
            return false
        }
    }

    // MARK: Waiting

    /// Objects that came, or changed, end the holds that wait for them. Returns whether there was one.
    @discardableResult
    private func liftHolds() -> Bool {
        let held = record.present.memory
        let over = Set(
            (Array(held.holds.values) + [held.sandboxHold].compactMap(\.self)).filter {
                context.awaited.haveChanged(since: $0.awaited)
            })
        guard !over.isEmpty else { return false }
        record.remember { $0.lift(over.contains) }
        return true
    }

    /// Sees to it that the pod is looked at when what it waits for changes. False when it has changed already.
    private func observeAwaited(_ decision: PodDecision) async throws(Fault) -> Bool {
        let wanted = decision.stage == .live ? record.present.memory.awaited : []
        context.awaited.release(uid, keeping: wanted)
        for key in wanted { try await context.awaited.hold(key, for: uid) }
        return !liftHolds()
    }

    // MARK: Telling

    private func report(_ facts: PodFacts, _ decision: PodDecision) {
        announce(facts, decision)
        announceResize(facts)
        if decision.stage == .ended {
            context.desk.forget(uid)
            context.admission.forget(uid)
            context.storage.forget(uid)
        } else if facts.runtime.sandbox != nil {
            context.storage.watch(facts.pod)
        }
        guard !facts.isGone else { return }
        let isLast = decision.stage == .ended && facts.isDeleted
        let status = PodReport(facts, decision, hostIPs: context.hostIPs).status
        let hasChanged = record.change { state in
            guard !state.isFrozen else { return false }
            // What comes now takes away what the status tells of.
            state.isFrozen = isLast
            let isNews = state.status != status || facts.pod.status != status
            state.status = status
            return isNews
        }
        if hasChanged { writer.add(uid) }
    }

    /// One event for each end of a container that makes it wait.
    private func announce(_ facts: PodFacts, _ decision: PodDecision) {
        for name in decision.backingOff.keys.sorted() {
            guard let last = facts.runtime.newest(name), let member = facts.containers[name],
                !facts.memory.announced.contains(last.id)
            else { continue }
            record.remember { _ = $0.announced.insert(last.id) }
            context.tell(
                facts.pod, member, .warning, "BackOff",
                "Back-off restarting failed container \(name) in pod \(facts.pod.logName)")
        }
    }
}
