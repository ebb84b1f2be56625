import API
import APIMachinery
import Client
import Host
import Logging
import Runtime
import Support

extension PodWorker {
    /// The file that remembers what a pod was granted. A pod that never was resized has none: its containers
    /// carry what they were made with.
    private var allocationFile: String { Path.join(context.options.layout.pod(record.uid), "allocation.json") }

    /// The pod as the node gives it: with the resources that are granted in the place of those asked for.
    /// `isActive`: it may be granted others.
    func allocate(_ pod: Pod, _ runtime: RuntimePod, isActive: Bool) -> Pod {
        let allocation = recall(pod, runtime)
        guard isActive else { return allocation.applied(to: pod) }
        let present = allocation.applied(to: pod)
        context.desk.note(record.uid, ResourceAmounts(of: present.spec))
        let wanted = Allocation(pod.spec)
        guard wanted != allocation else {
            context.desk.withdraw(record.uid)
            record.remember { $0.resize.pending = nil }
            return pod
        }
        return grant(wanted, pod, over: present)
    }

    private func recall(_ pod: Pod, _ runtime: RuntimePod) -> Allocation {
        if let known = record.present.memory.resize.allocation { return known }
        let stored = (try? Files.read(allocationFile)).flatMap { Allocation(json: $0) }
        let allocation = stored ?? Allocation(pod.spec, runtime: runtime)
        record.remember { memory in
            memory.resize.allocation = allocation
            memory.resize.isResized = stored != nil
            memory.resize.generation = pod.metadata.generation
        }
        return allocation
    }

    private func grant(_ wanted: Allocation, _ pod: Pod, over present: Pod) -> Pod {
        let asked = pod.status.conditions.first { $0.type == "PodResizePending" }
        let wish = ResizeLedger.Wish(
            amounts: ResourceAmounts(of: pod.spec), priority: pod.spec.priority ?? 0,
            isGuaranteed: QualityOfService(pod) == .guaranteed, since: asked?.lastTransitionTime ?? .now)
        let generation = pod.metadata.generation
        let objection = context.resources.objection(toResizing: pod, from: present)
        let answer = objection.map { .pending(PendingResize(reason: .infeasible, message: $0)) }
            ?? context.desk.ask(record.uid, wish)
        switch answer {
        case .pending(let pending):
            let isNews = record.change { state in
                let isNews = state.memory.resize.pending != pending
                state.memory.resize.pending = pending
                return isNews
            }
            guard isNews else { return present }
            let reason = pending.reason.rawValue
            context.tell(
                pod, nil, .warning, "Resize" + reason,
                ResizeReport.message(reason, pod.spec, generation: generation, error: pending.message))
            return present
        case .granted:
            do throws(Fault) {
                try Files.makeDirectory(context.options.layout.pod(record.uid), mode: 0o750)
                try Files.write(wanted.json, to: allocationFile, mode: 0o600)
            } catch {
                context.log.warning("what pod \(pod.objectName) was granted does not outlive a restart: \(error)")
            }
            context.admission.note(pod, isResized: true)
            record.remember { memory in
                memory.resize.group = memory.resize.group ?? CgroupValues(ofPod: present.spec)
                memory.resize.allocation = wanted
                memory.resize.generation = generation
                (memory.resize.isResized, memory.resize.isAnnounced) = (true, true)
                (memory.resize.pending, memory.resize.failure) = (nil, nil)
            }
            context.tell(
                pod, nil, .normal, "ResizeStarted",
                ResizeReport.message("started", pod.spec, generation: generation))
            return pod
        }
    }

    /// Carries a plan out. What goes wrong is tried again in a while, and told once.
    func resize(_ plan: ResizePlan, _ facts: PodFacts) async throws(Fault) {
        do throws(Fault) {
            if let before = plan.before { try await setGroup(before, facts.pod) }
            for update in plan.updates {
                if let limit = update.shrinksTo { try await checkUsage(of: update, fits: limit) }
                try await context.runtime.updateContainerResources(
                    update.id, update.values.resources, annotations: [:])
                record.remember { $0.resize.told[update.id] = update.values }
            }
            if let after = plan.after {
                try checkUsage(of: facts.pod, fits: after)
                try await setGroup(after, facts.pod)
            }
            record.remember { $0.resize.failure = nil }
        } catch {
            if Task.isCancelled { throw error }
            let message = error.forPeople
            let isNews = record.change { state in
                let isNews = state.memory.resize.failure?.message != message
                state.memory.resize.failure = PodMemory.Hold(
                    reason: "Error", message: message, until: .now + .seconds(isNews ? 5 : 30))
                return isNews
            }
            guard isNews else { return }
            context.tell(
                facts.pod, nil, .warning, "ResizeError",
                ResizeReport.message(
                    "error", facts.spec, generation: facts.memory.resize.generation, error: message))
        }
    }

    private func setGroup(_ values: CgroupValues, _ pod: Pod) async throws(Fault) {
        try await context.groups.set(values, pod)
        record.remember { $0.resize.group = values }
    }

    /// A limit below what is used would end a process rather than give memory back.
    private func checkUsage(of update: ResizePlan.Update, fits limit: Int64) async throws(Fault) {
        let stats = try await context.runtime.containerStats(update.id)
        guard let used = stats.memory?.workingSetBytes ?? stats.memory?.usageBytes, Int128(used) >= Int128(limit)
        else { return }
        throw Fault(
            .conflict,
            "attempting to set container \"\(update.name)\" memory limit (\(limit)) below current usage (\(used))")
    }

    /// The same for what the containers use together.
    private func checkUsage(of pod: Pod, fits values: CgroupValues) throws(Fault) {
        guard let limit = values.memoryLimit, let present = record.present.memory.resize.group,
            limit < present.memoryLimit ?? .max, let used = context.groups.memoryUsed(pod), used >= limit
        else { return }
        throw Fault(.conflict, "attempting to set pod memory limit (\(limit)) below current usage (\(used))")
    }

    /// One event when everything has what was granted.
    func announceResize(_ facts: PodFacts) {
        guard facts.memory.resize.isAnnounced, !facts.isResizing else { return }
        record.remember { $0.resize.isAnnounced = false }
        context.tell(
            facts.pod, nil, .normal, "ResizeCompleted",
            ResizeReport.message("completed", facts.spec, generation: facts.memory.resize.generation))
    }
}

extension CgroupValues {
    /// As the runtime is told to change a container; what has no limit stays as it is, since a resize takes no
    /// limit away.
    fileprivate var resources: CRI.LinuxContainerResources {
        var resources = CRI.LinuxContainerResources()
        resources.cpuShares = cpuShares
        resources.cpuPeriod = cpuPeriod
        resources.cpuQuota = cpuQuota ?? 0
        resources.memoryLimitInBytes = memoryLimit ?? 0
        return resources
    }
}
