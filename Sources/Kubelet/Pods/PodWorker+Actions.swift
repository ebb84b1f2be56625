import API
import APIMachinery
import Client
import Host
import Logging
import Runtime
import Support

extension PodWorker {
    /// Carries one action out. Returns false when the pod is left alone until something happens.
    func perform(_ action: PodDecision.Action, _ facts: PodFacts) async throws(Fault) -> Bool {
        switch action {
        case .createSandbox(let attempt, let replaced): return try await createSandbox(attempt, replaced, facts)
        case .stopSandbox(let id): try await context.runtime.stopPodSandbox(id)
        case .removeSandbox(let id): try await context.runtime.removePodSandbox(id)
        case .start(let name, let attempt): return try await start(name, attempt, facts)
        case .stop(let stop): self.stop(stop, facts)
        case .resize(let plan): try await resize(plan, facts)
        case .removeContainer(let id): try await remove(id, facts)
        case .reset(let ids): try await reset(ids, facts)
        case .end(let end): context.end(record.uid, end)
        case .unprepareClaims: return try unprepareClaims()
        case .release: return try await release(facts)
        case .forget: return try await forget(facts)
        }
        return true
    }

    // MARK: Sandbox

    private func createSandbox(
        _ attempt: UInt32, _ replaced: [String], _ facts: PodFacts
    ) async throws(Fault) -> Bool {
        if let obstacle = PodAdmission.obstacle(to: facts.spec) {
            refuseSandbox(obstacle, facts)
            return true
        }
        let outcome = await mount(facts)
        guard case .ready(let volumes) = outcome else { return !outcome.isUnderWay }
        record.change { $0.volumes = volumes }
        do throws(Fault) { try context.claims.prepare(facts.pod) } catch where error.isUnderWay {
            return false
        } catch {
            refuseClaims(error, facts)
            return true
        }
        if attempt > 0 {
            context.tell(
                facts.pod, nil, .normal, "SandboxChanged",
                "Pod sandbox changed, it will be killed and re-created.")
        }
        do throws(Fault) {
            for id in replaced { try await context.runtime.stopPodSandbox(id) }
            await makeGroup(facts.pod)
            if !facts.spec.hostNetwork {
                try PodHostname(facts.pod, clusterDomain: context.options.clusterDomain).check()
            }
            let handler = try await context.handler(facts.spec)
            let users = try await context.users.users(of: facts.pod, handler: handler, context.runtime)
            let config = SandboxConfiguration(
                context.options, facts.pod, resolver: context.resolver(), users: users
            ).config(facts.pod, attempt: attempt)
            try Files.makeDirectory(config.logDirectory)
            let id = try await context.runtime.runPodSandbox(config, handler: handler)
            context.table.own([id], record.uid)
            record.remember { memory in
                memory.sandboxHold = nil
                memory.sandboxFailures = 0
            }
        } catch {
            if Task.isCancelled { throw error }
            refuseSandbox(error, facts)
        }
        return true
    }

    private func refuseSandbox(_ fault: Fault, _ facts: PodFacts) {
        context.tell(
            facts.pod, nil, .warning, "FailedCreatePodSandBox",
            "Failed to create pod sandbox: \(fault.forPeople)")
        hold("FailedCreatePodSandBox", fault)
    }

    private func refuseClaims(_ fault: Fault, _ facts: PodFacts) {
        let reason = "FailedPrepareDynamicResources"
        context.tell(
            facts.pod, nil, .warning, reason, "Failed to prepare dynamic resources: \(fault.summary)")
        hold(reason, fault)
        record.remember { $0.sandboxHold?.isForClaims = true }
    }

    private enum Mounted {
        case ready(MountedVolumes)
        /// The pod is woken when it goes on.
        case underWay
        case held

        var isUnderWay: Bool { if case .underWay = self { true } else { false } }
    }

    /// Sees to it that the volumes of the pod are ready.
    private func mount(_ facts: PodFacts) async -> Mounted {
        do throws(Fault) { return .ready(try await context.volumes.mount(facts.pod)) } catch {
            if Task.isCancelled { return .held }
            if error.isUnderWay { return .underWay }
            context.tell(facts.pod, nil, .warning, "FailedMount", error.summary)
            hold("FailedMount", error, isForVolumes: true)
            return .held
        }
    }

    /// Tries again after half a second, then after twice as long each time, up to half a minute; where objects
    /// are missing, when they come.
    private func hold(_ reason: String, _ fault: Fault, isForVolumes: Bool = false) {
        record.remember { memory in
            let doublings = min(memory.sandboxFailures, 6)
            memory.sandboxFailures += 1
            let delay = min(Duration.milliseconds(500 << doublings), .seconds(30))
            memory.sandboxHold = PodMemory.Hold(reason: reason, fault, after: delay)
            memory.sandboxHold?.isForVolumes = isForVolumes
        }
    }

    /// Pods run without limits of their own rather than not at all where the machine lacks a controller.
    private func makeGroup(_ pod: Pod) async {
        let hasQuota = !context.resources.hasOwnProcessors(record.uid)
        do throws(Fault) { try await context.groups.create(pod, hasQuota: hasQuota) } catch {
            context.log.warning("the control group of pod \(pod.objectName) is not as it should be: \(error)")
        }
    }

    /// A pod that runs already has its group; the class learns of it from a kubelet that starts, and of what it asks for
    /// when that changes.
    func weigh(_ pod: Pod) async {
        do throws(Fault) { try await context.groups.weigh(pod) } catch {
            context.log.warning("the control group of burstable pods is not as it should be: \(error)")
        }
    }

    // MARK: Containers

    private func start(_ name: String, _ attempt: UInt32, _ facts: PodFacts) async throws(Fault) -> Bool {
        guard let member = facts.containers[name], let sandbox = facts.runtime.sandbox else { return true }
        var volumes = record.present.volumes
        if volumes == nil {
            // Another kubelet made the sandbox.
            switch await mount(facts) {
            case .ready(let mounted):
                record.change { $0.volumes = mounted }
                volumes = mounted
            case .underWay: return false
            case .held:
                holdContainer(name)
                return true
            }
        }
        guard let volumes else { return true }
        let starter = ContainerStarter(
            context: context, facts: facts, member: member, attempt: attempt, sandbox: sandbox,
            volumes: volumes)
        switch try await starter.start() {
        case .started(let id):
            let end = (facts.runtime.newest(name) ?? facts.memory.former[name])?.finishedAt
            let longest = context.options.longestBackOff
            record.remember { memory in
                memory.holds[name] = nil
                if let end { memory.backOff.restarted(name, endedAt: end, most: longest) }
                if member.container.lifecycle?.postStart != nil { memory.starting.insert(id) }
            }
            afterStart(member, id, facts, sandbox)
        case .held(let hold):
            let end = facts.runtime.newest(name)?.finishedAt
            record.remember { memory in
                memory.holds[name] = hold
                // One that was made and did not run has been restarted, too.
                if let end, hold.reason == "RunContainerError" { memory.backOff.restarted(name, endedAt: end) }
            }
            // A pull may have ended before the hold was noted.
            if hold.until == nil, !context.images.isPulling(for: record.uid, name) {
                record.remember { $0.holds[name] = nil }
            }
        }
        return true
    }

    /// As long as the pod itself waits for its volumes.
    private func holdContainer(_ name: String) {
        record.remember { memory in
            if var hold = memory.sandboxHold {
                hold.reason = ""
                memory.holds[name] = hold
            }
        }
    }

    /// Runs the hook; a container whose hook fails is stopped, and restarted as its policy says.
    private func afterStart(
        _ member: PodContainers.Member, _ id: String, _ facts: PodFacts, _ sandbox: RuntimePod.Sandbox
    ) {
        guard let hook = member.container.lifecycle?.postStart else { return }
        let (context, record) = (context, record)
        let ip = (facts.spec.hostNetwork ? context.hostIPs.first : sandbox.ips.first) ?? ""
        let grace = facts.gracePeriod
        context.operations.start {
            do throws(Fault) {
                try await context.hook.run(hook, in: member.container, id: id, podIP: ip, limit: nil)
            } catch {
                if !Task.isCancelled {
                    // The event leaves the details out: they may hold what is not for everybody.
                    context.tell(facts.pod, member, .warning, "FailedPostStartHook", "PostStartHook failed")
                    context.log.info("postStart of \(member.name) in \(facts.pod.objectName): \(error)")
                    context.tell(
                        facts.pod, member, .normal, "Killing", "FailedPostStartHook")
                    try? await context.runtime.stopContainer(id, timeout: grace)
                }
            }
            record.remember { _ = $0.starting.remove(id) }
            context.wake(record.uid)
        }
    }

    private func stop(_ stop: PodDecision.Stop, _ facts: PodFacts) {
        let member = facts.containers[stop.name]
        let isFirst = record.change { state in
            let isFirst = state.memory.stopping[stop.id] == nil
            state.memory.stopping[stop.id] = stop.deadline
            if stop.isForResize { state.memory.resize.restarting.insert(stop.id) }
            return isFirst
        }
        // Shortening the time that is left is nothing new to tell.
        if isFirst, !facts.isGone { context.tell(facts.pod, member, .normal, "Killing", stop.message) }
        if facts.isDeleted { context.prober.stop(containerID: stop.id) }
        let (context, record) = (context, record)
        // Whatever becomes of the time of day meanwhile.
        let deadline = ContinuousClock.now + (stop.deadline - facts.now)
        let hook = isFirst && !stop.isAtOnce ? member?.container.lifecycle?.preStop : nil
        let ip = (facts.spec.hostNetwork ? context.hostIPs.first : facts.runtime.sandbox?.ips.first) ?? ""
        context.operations.start {
            if let hook, let member {
                do throws(Fault) {
                    let limit = max(deadline - .now, .seconds(1))
                    try await context.hook.run(
                        hook, in: member.container, id: stop.id, podIP: ip, limit: limit)
                } catch {
                    context.tell(facts.pod, member, .warning, "FailedPreStopHook", "PreStopHook failed")
                    context.log.info("preStop of \(member.name) in \(facts.pod.objectName): \(error)")
                }
            }
            do throws(Fault) {
                // However long the hook took, the process gets two seconds.
                let least: Duration = stop.isAtOnce ? .zero : hook == nil ? .seconds(1) : .seconds(2)
                let left = max(deadline - .now, least)
                try await context.runtime.stopContainer(stop.id, timeout: left)
            } catch {
                context.log.warning("cannot stop container \(stop.name) of \(facts.pod.objectName): \(error)")
                try? await Task.sleep(for: .seconds(2))
            }
            record.remember { memory in
                if memory.stopping[stop.id] == stop.deadline { memory.stopping[stop.id] = nil }
            }
            context.wake(record.uid)
        }
    }

    /// What the status tells of them stays.
    private func reset(_ ids: [String], _ facts: PodFacts) async throws(Fault) {
        record.remember { memory in
            for member in facts.containers.members where member.role != .ephemeral {
                guard var last = facts.runtime.newest(member.name), ids.contains(last.id) else { continue }
                if let message = memory.messages[last.id] { last.message = message }
                memory.former[member.name] = last
            }
        }
        for id in ids { try await remove(id, facts) }
    }

    private func remove(_ id: String, _ facts: PodFacts) async throws(Fault) {
        context.prober.stop(containerID: id)
        context.logs.stop(containerID: id)
        // First what nobody else tells of: whoever comes after us finds the container, and goes on.
        if let container = facts.runtime.containers.first(where: { $0.id == id }) {
            context.files(facts.pod).removeLog(container, of: facts.pod)
            if !container.imageID.isEmpty { context.collector.use(container.imageID) }
        }
        try await context.runtime.removeContainer(id)
        record.remember { memory in
            memory.messages[id] = nil
            memory.announced.remove(id)
        }
    }

    // MARK: The end

    private func unprepareClaims() throws(Fault) -> Bool {
        do throws(Fault) {
            try context.claims.unprepare(record.uid)
            return true
        } catch where error.isUnderWay {
            return false
        }
    }

    private func release(_ facts: PodFacts) async throws(Fault) -> Bool {
        do throws(Fault) { try await context.volumes.unmount(podUID: record.uid) } catch where error.isUnderWay {
            return false
        }
        do throws(Fault) { try await context.groups.remove(podUID: record.uid) } catch {
            context.log.debug("the control group of pod \(facts.pod.objectName) stays: \(error)")
        }
        record.change { state in
            state.volumes = nil
            state.memory.isReleased = true
        }
        context.users.release(record.uid)
        context.shutdown.note(record.uid)
        return true
    }

    /// Nothing of the pod is left here but its log.
    private func forget(_ facts: PodFacts) async throws(Fault) -> Bool {
        // Not before: the runtime may have made it again for a container that it had begun to make.
        try await context.groups.clear(podUID: record.uid)
        context.images.forget(podUID: record.uid)
        context.prober.forget(podUID: record.uid)
        context.awaited.release(record.uid)
        context.claims.forget(podUID: record.uid)
        context.desk.forget(record.uid)
        context.admission.forget(record.uid)
        context.storage.forget(record.uid)
        removeLogs()
        guard !facts.isGone else {
            for uid in context.table.remove(record.uid) { context.wake(uid) }
            if let name = record.present.name { context.mirrors.add(name) }
            return false
        }
        record.change { $0.isFinished = true }
        writer.add(record.uid)
        return false
    }

    /// The folder's name ends with the uid, so that only our own pods' logs are touched.
    private func removeLogs() {
        let root = context.options.layout.podLogs
        for name in (try? Files.list(root)) ?? [] where name.hasSuffix("_" + record.uid) {
            do throws(Fault) { try Files.remove(Path.join(root, name)) } catch {
                context.log.warning("cannot remove the logs of a pod: \(error)")
            }
        }
    }
}
