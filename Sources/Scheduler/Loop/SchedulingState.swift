import API
import APIMachinery
import Support

/// What the scheduler knows and what it would do next: facts and queue. Owned by the loop, changed by what happened, and
/// free of clocks and of the API.
final class SchedulingState {
    let profiles: [String: Profile]
    let cluster: ClusterFacts
    private(set) var queue: SchedulingQueue
    private(set) var budgets: [ObjectName: BudgetFacts] = [:]
    /// Of the pods that are known by name, which of that name.
    private var uids: [ObjectName: String] = [:]
    /// Where the next look at the nodes begins, so that none is asked more often than others.
    private var start = 0
    private var random: any RandomNumberGenerator & Sendable
    /// Pods whose victims are being told.
    private var preempting: Set<String> = []
    private let volumes: (PodFacts) -> VolumeFacts
    private let devices: (PodFacts) -> PodDevices
    /// Whether devices stand for an extended resource.
    private let isBacked: (String) -> Bool
    /// The nodes on which the devices of pods are made ready.
    private var preparing: [String: String] = [:]
    /// Since when pods have waited for volumes that are made, or kept, for them where they go.
    private var serving: [String: Duration] = [:]
    /// Devices that are given to pods whose claims do not say so yet, by the pod.
    private var granted: [String: DeviceLoad] = [:]
    private let figures: SchedulerFigures

    init(
        profiles: [Profile] = [Profile()], limits: SchedulingQueue.Limits = .init(), cluster: ClusterFacts = .init(),
        random: any RandomNumberGenerator & Sendable = SeededRandom(seed: 0),
        figures: SchedulerFigures = SchedulerFigures(),
        volumes: @escaping (PodFacts) -> VolumeFacts = { _ in VolumeFacts() },
        devices: @escaping (PodFacts) -> PodDevices = { _ in PodDevices() },
        isBacked: @escaping (String) -> Bool = { _ in false }
    ) {
        self.profiles = Dictionary(profiles.map { ($0.schedulerName, $0) }) { first, _ in first }
        self.cluster = cluster
        self.random = random
        self.figures = figures
        self.volumes = volumes
        self.devices = devices
        self.isBacked = isBacked
        queue = SchedulingQueue(limits: limits)
    }

    /// The instant at which time alone makes a pod worth another try.
    var nextDue: Duration? { queue.nextDue }

    // MARK: What happened

    /// Tells how many pods wait where.
    func countWaiting() { figures.waiting(queue.counts) }

    func setNamespace(_ name: String, _ labels: Fields?, at now: Duration) {
        if cluster.setNamespace(name, labels) { happened(.namespaceChanged, at: now) }
    }

    func setBudget(_ name: ObjectName, _ budget: Value?) { budgets[name] = budget.map(BudgetFacts.init) }

    func setNode(_ name: String, _ node: Node?, at now: Duration) {
        let change = cluster.setNode(name, node)
        guard !change.isEmpty else { return }
        if let facts = cluster.node(name) {
            happened(.nodeChanged(facts, change), at: now)
        } else {
            happened(.nodeLeft, at: now)
        }
    }

    /// Takes a pod's present version; `nil` when it is gone. The answer is what it shall be told.
    func setPod(_ name: ObjectName, _ pod: PodFacts?, at now: Duration) -> Job? {
        if let old = uids[name], old != pod?.uid { forget(old, name, at: now) }
        guard let pod else { return nil }
        uids[name] = pod.uid
        if pod.hasEnded {
            queue.remove(pod.uid)
            release(pod.uid, at: now)
        } else if !pod.nodeName.isEmpty {
            settle(pod, at: now)
        } else if let profile = profiles[pod.schedulerName], !pod.isLeaving {
            return wait(pod, profile, at: now)
        } else {
            queue.remove(pod.uid)
            release(pod.uid, at: now)
        }
        return nil
    }

    private func forget(_ uid: String, _ name: ObjectName, at now: Duration) {
        uids[name] = nil
        queue.remove(uid)
        release(uid, at: now)
    }

    /// A pod is on a node.
    private func settle(_ pod: PodFacts, at now: Duration) {
        queue.remove(pod.uid)
        preparing[pod.uid] = nil
        serving[pod.uid] = nil
        cluster.nominate(pod, nil)
        let before = cluster.place(of: pod.uid)
        let old = cluster.place(pod, on: pod.nodeName)
        if let old, before == pod.nodeName {
            // It was expected there, or changed.
            if old.labels != pod.labels || old.nodeName.isEmpty { happened(.podPlaced(pod), at: now) }
            if pod.requests.isBelow(old.requests) || (pod.isLeaving && !old.isLeaving) {
                happened(.podLeft(old, cluster.node(pod.nodeName)), at: now)
            }
        } else {
            happened(.podPlaced(pod), at: now)
        }
    }

    /// A pod wants a node.
    private func wait(_ pod: PodFacts, _ profile: Profile, at now: Duration) -> Job? {
        if !queue.contains(pod.uid), cluster.place(of: pod.uid) != nil {
            // It was bound; this version is older than that.
            return nil
        }
        takeNomination(of: pod)
        queue.add(pod, heedsGates: profile.heedsGates, at: now)
        guard profile.heedsGates, !pod.gates.isEmpty else { return nil }
        let message = "Scheduling is blocked due to non-empty scheduling gates"
        return told(pod, .init(reason: .gated, message: message))
    }

    /// Heeds a nomination that was not there before, ours or somebody else's. One that stands in the pod may be withdrawn
    /// by now, without the pod saying so yet.
    private func takeNomination(of pod: PodFacts) {
        let before = queue.pod(pod.uid)?.nominatedNode ?? ""
        guard pod.nominatedNode != before else { return }
        if !pod.nominatedNode.isEmpty {
            // Where its devices are made ready it counts already.
            if cluster.place(of: pod.uid) != pod.nominatedNode { cluster.nominate(pod, pod.nominatedNode) }
        } else if cluster.nomination(of: pod.uid) == before {
            cluster.nominate(pod, nil)
        }
    }

    /// The pod needs nothing any more.
    private func release(_ uid: String, at now: Duration) {
        preparing[uid] = nil
        serving[uid] = nil
        let node = cluster.place(of: uid).flatMap(cluster.node)
        if let pod = cluster.displace(uid) {
            cluster.nominate(pod, nil)
            happened(.podLeft(pod, node), at: now)
        }
        cluster.forgetNomination(of: uid)
    }

    func happened(_ event: ClusterEvent, at now: Duration) {
        queue.happened(concerning: event.plugins, at: now) { pod, plugins in
            guard let profile = profiles[pod.schedulerName] else { return false }
            return event.isWorth(pod, plugins, profile, isBacked: isBacked)
        }
    }

    // MARK: What to do

    /// One attempt for the pod whose turn it is; `nil` when none's is. `time` is for victims' ages and the figures.
    func next(at now: Duration, time: Timestamp) -> [Job]? {
        guard let attempt = take(at: now) else { return nil }
        return conclude(attempt, sift(attempt), at: now, time: time)
    }

    /// The nodes that can take the pod, by the word of our own rules.
    func sift(_ attempt: Attempt) -> Decision.Sifted { attempt.decision.sift(from: start) }

    /// A pod's turn, before nodes were asked.
    struct Attempt {
        var decision: Decision
        var taken: SchedulingQueue.Taken
        var journey: SchedulerFigures.Journey
    }

    func take(at now: Duration) -> Attempt? {
        while let taken = queue.take(at: now) {
            guard let profile = profiles[taken.pod.schedulerName] else {
                queue.remove(taken.pod.uid)
                continue
            }
            // Its volumes may be on their way to a node: then it counts there.
            cluster.displace(taken.pod.uid)
            if let node = preparing[taken.pod.uid] { cluster.nominate(taken.pod, node) }
            var devices = devices(taken.pod)
            for load in granted.values { devices.taken.add(load) }
            let decision = Decision(taken.pod, volumes(taken.pod), profile, cluster, devices: devices)
            let journey = SchedulerFigures.Journey(came: taken.came, began: now, attempts: taken.attempts)
            return Attempt(decision: decision, taken: taken, journey: journey)
        }
        return nil
    }

    /// Where room could be made for a pod that fits nowhere.
    enum Room {
        /// The pod has none made; what was made for it stays.
        case kept(why: String)
        /// On these nodes; when there are none, this is why.
        case candidates([Preemption.Candidate], of: Preemption, otherwise: String)
    }

    /// Looks for room, unless the pod's profile makes none. `time` is for victims' ages.
    func room(for attempt: Attempt, _ diagnosis: Diagnosis, time: Timestamp) -> Room? {
        guard attempt.decision.profile.preempts, diagnosis.total > 0 else { return nil }
        let preemption = Preemption(decision: attempt.decision, budgets: Array(budgets.values), now: time)
        let isUnderWay = preempting.contains(attempt.taken.pod.uid)
        if let why = isUnderWay ? Preemption.underWay : preemption.ineligibility(diagnosis) { return .kept(why: why) }
        let (candidates, useless) = preemption.candidates(diagnosis, from: start)
        return .candidates(candidates, of: preemption, otherwise: useless.message)
    }

    /// Carries an attempt to its end, with the nodes that can take the pod, and what they are worth to others; or with the
    /// room that others leave, if they were asked.
    func conclude(
        _ attempt: Attempt, _ sifted: Decision.Sifted, worth: [String: Int] = [:], room: Room? = nil, at now: Duration,
        time: Timestamp
    ) -> [Job] {
        let pod = attempt.taken.pod
        switch sifted {
        case .nodes(let nodes, let asked):
            start = (start + asked) % max(cluster.order.count, 1)
            guard nodes.count > 1 else { return go(pod, attempt, to: nodes[0], at: now) }
            var scores = attempt.decision.scores(of: nodes)
            if !worth.isEmpty { for index in nodes.indices { scores[index] += worth[nodes[index].name] ?? 0 } }
            let node = Decision.choose(nodes, scores, random.next())
            return go(pod, attempt, to: node, at: now)
        case .none(let diagnosis):
            return refuse(attempt, diagnosis, room ?? self.room(for: attempt, diagnosis, time: time), at: now)
        }
    }

    /// The attempt could not be made, for no reason of the pod's.
    func failed(_ attempt: Attempt, _ fault: Fault, at now: Duration) -> [Job] {
        let pod = attempt.taken.pod
        figures.attempted(pod.schedulerName, .error, attempt.journey, at: now)
        queue.failed(pod.uid, at: now)
        return [told(pod, .init(reason: .error, message: fault.description))].compactMap(\.self)
    }

    private func go(_ pod: PodFacts, _ attempt: Attempt, to node: NodeFacts, at now: Duration) -> [Job] {
        cluster.place(pod, on: node.name)
        cluster.nominate(pod, nil)
        let volumes = attempt.decision.volumes
        guard !volumes.isComplete else {
            serving[pod.uid] = nil
            let devices = attempt.decision.devices
            let picks = devices.picks(on: node) ?? []
            let grants = devices.grants(picks, on: node, for: pod, random: &random)
            if !grants.isEmpty { granted[pod.uid] = grants.reduce(into: DeviceLoad()) { $0.add($1.load) } }
            if devices.mustWait(for: picks) { return prepare(attempt, on: node, grants, at: now) }
            return [.bind(pod, node: node.name, grants, attempt.journey)]
        }
        let deadline = serving[pod.uid, default: now] + attempt.decision.profile.volumeTimeout
        if let since = serving[pod.uid], now >= deadline, now > since { return giveUp(attempt, at: now) }
        serving[pod.uid] = serving[pod.uid] ?? now
        // It counts on the node while its volumes are made there, so that the room is left when they are.
        queue.refused(pod.uid, by: PluginSet(.volumeBinding), at: now, until: deadline)
        return [.serve(pod, (try? volumes.choices(on: node)) ?? [], node: node.name)]
    }

    /// The pod's volumes took too long (`VolumeBindingArgs.bindTimeoutSeconds`): its room is free for others, and it is
    /// tried again after a back-off. What was asked for stays asked for.
    private func giveUp(_ attempt: Attempt, at now: Duration) -> [Job] {
        let pod = attempt.taken.pod
        figures.attempted(pod.schedulerName, .error, attempt.journey, at: now)
        release(pod.uid, at: now)
        queue.failed(pod.uid, at: now)
        let message = "running PreBind plugin \"VolumeBinding\": binding volumes: context deadline exceeded"
        return [told(pod, .init(reason: .error, message: message))].compactMap(\.self)
    }

    /// The pod's devices are made ready on the node. It counts there meanwhile, and is tried again when its claims change.
    private func prepare(_ attempt: Attempt, on node: NodeFacts, _ grants: [DeviceGrant], at now: Duration) -> [Job] {
        let pod = attempt.taken.pod
        let before = preparing.updateValue(node.name, forKey: pod.uid)
        guard grants.isEmpty, before == node.name else { return [.prepare(pod, node: node.name, grants)] }
        let patience = attempt.decision.devices.patience(limit: attempt.decision.profile.bindingTimeout)
        // A moment later, as what took just so long is in time.
        let deadline = patience.map { now + max($0, .zero) + .seconds(1) }
        queue.refused(pod.uid, by: PluginSet(.dynamicResources), at: now, until: deadline)
        return []
    }

    private func refuse(_ attempt: Attempt, _ diagnosis: Diagnosis, _ room: Room?, at now: Duration) -> [Job] {
        var diagnosis = diagnosis
        let pod = attempt.taken.pod
        let profile = attempt.decision.profile
        if preparing.removeValue(forKey: pod.uid) != nil { cluster.nominate(pod, nil) }
        serving[pod.uid] = nil
        let (release, word) = attempt.decision.devices.release(after: diagnosis, limit: profile.bindingTimeout)
        // What comes before the word of preemption is that of the rule about devices.
        let prefix = (profile.filters.contains(.dynamicResources) ? word + ", " : "") + "preemption: "
        let jobs = release.map { [Job.release(pod, $0)] } ?? []
        figures.attempted(pod.schedulerName, .unschedulable, attempt.journey, at: now)
        queue.refused(pod.uid, by: diagnosis.plugins, at: now)
        var verdict = Job.Verdict(reason: .unschedulable, message: "")
        switch room {
        case .kept(let why): diagnosis.aftermath = prefix + why
        case .candidates(let candidates, let preemption, let otherwise):
            if let best = preemption.cheapest(of: candidates) { return preempt(pod, best, diagnosis) + jobs }
            diagnosis.aftermath = prefix + otherwise
            if cluster.nomination(of: pod.uid) != nil || !pod.nominatedNode.isEmpty { verdict.nomination = "" }
            cluster.nominate(pod, nil)
        case nil: break
        }
        verdict.message = diagnosis.message
        return [told(pod, verdict)].compactMap(\.self) + jobs
    }

    private func preempt(_ pod: PodFacts, _ best: Preemption.Candidate, _ diagnosis: Diagnosis) -> [Job] {
        figures.preempted(best.victims.count)
        let lesser = cluster.nominated(on: best.node.name, below: pod.priority)
        for other in lesser { cluster.nominate(other, nil) }
        cluster.nominate(pod, best.node.name)
        let verdict = Job.Verdict(
            reason: .unschedulable, message: diagnosis.message, nomination: best.node.name)
        let victims = best.victims.filter { !$0.isLeaving }
        preempting.insert(pod.uid)
        let job = Job.preempt(pod, victims: victims, node: best.node.name, verdict)
        return lesser.isEmpty ? [job] : [.forgetNominations(lesser), job]
    }

    /// What a pod shall be told, unless its condition says so already.
    private func told(_ pod: PodFacts, _ verdict: Job.Verdict) -> Job? {
        let isKnown = pod.condition.map {
            !$0.isTrue && $0.reason == verdict.reason.rawValue && $0.message == verdict.message
        }
        let isNominated = verdict.nomination.map { $0 == pod.nominatedNode } ?? true
        return isKnown == true && isNominated ? nil : .tell(pod, verdict)
    }

    // MARK: What came of it

    /// A job has ended.
    func finished(_ job: Job, _ error: Status?, at now: Duration) {
        switch job {
        case .bind(let pod, _, _, let journey):
            // The claims say so now, or never will.
            granted[pod.uid] = nil
            figures.attempted(pod.schedulerName, error == nil ? .scheduled : .error, journey, at: now)
            guard queue.contains(pod.uid) else { return }
            if error == nil {
                queue.remove(pod.uid)
            } else {
                release(pod.uid, at: now)
                queue.failed(pod.uid, at: now)
            }
        case .prepare(let pod, _, _):
            granted[pod.uid] = nil
            guard queue.contains(pod.uid) else { return }
            guard error == nil else {
                release(pod.uid, at: now)
                return queue.failed(pod.uid, at: now)
            }
            queue.refused(pod.uid, by: PluginSet(.dynamicResources), at: now)
            // They may be ready already.
            queue.retry(pod.uid, at: now)
        case .serve(let pod, _, _) where error != nil:
            release(pod.uid, at: now)
            queue.failed(pod.uid, at: now)
        case .preempt(let pod, _, _, _):
            preempting.remove(pod.uid)
            if error != nil { queue.failed(pod.uid, at: now) }
        default: break
        }
    }
}
