import API
public import APIMachinery
public import Client
import DequeModule
public import Logging
public import Support

/// Watches pods, nodes and volumes, decides where each pod goes, and binds it there.
///
/// One decision at a time: each sees the effect of the one before. What was decided is written beside the next decisions,
/// of several pods at once. Where a pod goes depends on the cluster, on `clock` for back-offs, and on `random` for ties.
public final class Scheduler: Sendable {
    /// The pods that are ours, unless the configuration has other profiles: those that name this scheduler.
    public static let name = "default-scheduler"
    /// So many pods are bound, or told, at once: enough to go on deciding while the disk takes what was decided.
    static let writesAtOnce = 128

    let client: any Client
    let events: EventRecorder
    private let log: Logger
    private let clock: any Clock<Duration>
    let now: @Sendable () -> Timestamp
    private let elapsed: @Sendable () -> Duration
    private let random: any RandomNumberGenerator & Sendable
    private let configuration: SchedulerConfiguration
    private let figures: SchedulerFigures
    private let callExtender: ExtenderCall
    private let inbox = Inbox()

    public init(
        client: any Client, log: Logger, configuration: SchedulerConfiguration = .init(),
        figures: SchedulerFigures = SchedulerFigures(),
        clock: some Clock<Duration> = ContinuousClock(),
        random: any RandomNumberGenerator & Sendable = SeededRandom(seed: .random(in: .min ... .max)),
        now: @escaping @Sendable () -> Timestamp = { .now },
        callExtender: @escaping ExtenderCall = { _ throws(Fault) in
            throw Fault(.unsupported, "extenders cannot be called from here")
        }
    ) {
        self.client = client
        self.configuration = configuration
        self.figures = figures
        self.callExtender = callExtender
        events = EventRecorder(client, component: Self.name)
        self.log = log
        self.clock = clock
        self.random = random
        self.now = now
        let start = clock.now
        elapsed = { start.duration(to: clock.now) }
    }

    /// Runs until the task is cancelled.
    public func run() async throws(Status) {
        let volumes = try await VolumeSets(client)
        let devices = try await DeviceSets(client, now: now)
        let owners = try await OwnerSets(client)
        let state = SchedulingState(
            profiles: configuration.profiles, limits: configuration.limits,
            cluster: ClusterFacts(siblings: Siblings(selectorOfOwner: owners.selector)), random: random, figures: figures,
            volumes: volumes.facts, devices: devices.facts, isBacked: devices.isBacked)
        var observations: [any Observation] = []
        var sets: [Inbox.Source: any ObjectSet] = [:]
        for (source, resource) in Self.sources {
            let set = try await client.observe(resource, .all)
            sets[source] = set
            observations.append(set.observe { [inbox] in inbox.put(source, $0) })
        }
        var others = Others(volumes: volumes, devices: devices)
        if let pods = sets[.pods], let nodes = sets[.nodes], !configuration.extenders.isEmpty {
            others.extenders = Extenders(
                configurations: configuration.extenders, call: callExtender, pods: pods, nodes: nodes)
        }
        observations += volumes.observe { [inbox] in inbox.put(.volumes) }
        observations += devices.observe { [inbox] in inbox.put(.devices) }
        defer { for observation in observations { observation.cancel() } }
        await withDiscardingTaskGroup { group in
            group.addTask { await self.events.run() }
            await self.loop(state, others, &group)
            group.cancelAll()
        }
    }

    private static let sources: [(Inbox.Source, GroupVersionResource)] = [
        (.namespaces, .namespaces), (.services, .services), (.nodes, .nodes),
        (.budgets, .podDisruptionBudgets), (.pods, .pods),
    ]

    /// Whom decisions and writes need beside the facts.
    struct Others: Sendable {
        let volumes: VolumeSets
        let devices: DeviceSets
        var extenders: Extenders?
    }

    private func loop(
        _ state: SchedulingState, _ others: Others, _ group: inout DiscardingTaskGroup
    ) async {
        var inFlight = 0
        // What was decided and not begun yet.
        var waiting: Deque<Job> = []
        while !Task.isCancelled {
            let news = inbox.take()
            inFlight -= news.finished.count
            waiting += take(news, state)
            var isBusy = !waiting.isEmpty
            if !isBusy, inFlight < Self.writesAtOnce, let attempt = state.take(at: elapsed()) {
                waiting += await carryOut(attempt, state, others)
                isBusy = true
            }
            while inFlight < Self.writesAtOnce, let job = waiting.popFirst() {
                inFlight += 1
                group.addTask { await self.perform(job, others) }
            }
            if isBusy, inFlight < Self.writesAtOnce {
                // Others want the thread as well.
                await Task.yield()
                continue
            }
            guard news.isEmpty else { continue }
            state.countWaiting()
            let due = inFlight < Self.writesAtOnce ? state.nextDue.map { max($0 - elapsed(), .zero) } : nil
            await inbox.wait(atMost: due, clock)
        }
    }

    private func carryOut(
        _ attempt: SchedulingState.Attempt, _ state: SchedulingState, _ others: Others
    ) async -> [Job] {
        let sifted = state.sift(attempt)
        guard let extenders = others.extenders else {
            return state.conclude(attempt, sifted, at: elapsed(), time: now())
        }
        do throws(Fault) {
            let (left, worth) = try await extenders.consult(attempt, sifted)
            let room = await room(for: attempt, left, state, extenders)
            return state.conclude(attempt, left, worth: worth, room: room, at: elapsed(), time: now())
        } catch {
            return state.failed(attempt, error, at: elapsed())
        }
    }

    /// Where room could be made for a pod that fits nowhere, as far as the extenders agree; `nil` when they have no say.
    private func room(
        for attempt: SchedulingState.Attempt, _ sifted: Decision.Sifted, _ state: SchedulingState, _ extenders: Extenders
    ) async -> SchedulingState.Room? {
        guard case .none(let diagnosis) = sifted, extenders.haveSayInPreemption,
            case .candidates(let candidates, let preemption, let otherwise)? = state.room(
                for: attempt, diagnosis, time: now()), !candidates.isEmpty
        else { return nil }
        do throws(Fault) {
            let left = try await extenders.consult(on: preemption, candidates)
            return .candidates(
                left, of: preemption, otherwise: left.isEmpty ? "no candidate node for preemption" : otherwise)
        } catch {
            // What was nominated before stays: the next attempt asks again.
            return .kept(why: error.summary)
        }
    }

    /// Brings the state up to date. Returns what pods shall be told at once.
    private func take(_ news: Inbox.Contents, _ state: SchedulingState) -> [Job] {
        let now = elapsed()
        var jobs: [Job] = []
        for source in Inbox.Source.allCases {
            guard let changes = news.changes[source] else { continue }
            for name in changes.names {
                let object = changes.object(name)
                switch source {
                case .namespaces: state.setNamespace(name.name, object?.labels, at: now)
                case .services:
                    let selector = object?.value.at("spec", "selector")?.fields
                    state.cluster.siblings.setService(name, selector.flatMap { $0.isEmpty ? nil : $0 })
                case .nodes: state.setNode(name.name, object.map { Node($0) }, at: now)
                case .budgets: state.setBudget(name, object?.value)
                case .pods:
                    let pod = object.map { PodFacts(Pod($0)) }
                    if let job = state.setPod(name, pod, at: now) { jobs.append(job) }
                }
            }
        }
        if news.signals.contains(.volumes) { state.happened(.volumesChanged, at: now) }
        if news.signals.contains(.devices) { state.happened(.devicesChanged, at: now) }
        for finished in news.finished { state.finished(finished.job, finished.error, at: now) }
        return jobs
    }

    private func perform(_ job: Job, _ others: Others) async {
        do throws(Status) {
            try await carryOut(job, others)
            inbox.put(.init(job: job, error: nil))
        } catch {
            // Somebody else wrote first: the next try sees what.
            let level: Logger.Level = error.isConflict || error.isNotFound ? .debug : .warning
            log.log(level: level, "pod \(job.pod) could not be scheduled: \(error)")
            inbox.put(.init(job: job, error: error))
        }
    }
}

extension Job {
    /// Whom it is about, for the log.
    fileprivate var pod: String {
        switch self {
        case .bind(let pod, _, _, _), .prepare(let pod, _, _), .release(let pod, _), .serve(let pod, _, _),
            .tell(let pod, _), .preempt(let pod, _, _, _):
            pod.name.description
        case .forgetNominations(let pods): pods.map(\.name.description).joined(separator: ", ")
        }
    }
}
