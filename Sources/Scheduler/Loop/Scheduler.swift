import API
public import APIMachinery
public import Client
public import Logging
public import Support

/// Watches pods, nodes and volumes, decides where each pod goes, and binds it there.
///
/// One decision at a time: each sees the effect of the one before. What was decided is written beside the next decisions,
/// of several pods at once. Where a pod goes depends on the cluster, on `clock` for back-offs, and on `random` for ties.
public final class Scheduler: Sendable {
    /// The pods that are ours, unless the configuration has other profiles: those that name this scheduler.
    public static let name = "default-scheduler"
    /// So many pods are bound, or told, at once.
    static let writesAtOnce = 32

    let client: any Client
    let events: EventRecorder
    private let log: Logger
    private let clock: any Clock<Duration>
    let now: @Sendable () -> Timestamp
    private let elapsed: @Sendable () -> Duration
    private let random: any RandomNumberGenerator & Sendable
    private let inbox = Inbox()

    public init(
        client: any Client, log: Logger, clock: some Clock<Duration> = ContinuousClock(),
        random: any RandomNumberGenerator & Sendable = SystemRandomNumberGenerator(),
        now: @escaping @Sendable () -> Timestamp = { .now }
    ) {
        self.client = client
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
        let owners = try await OwnerSets(client)
        let state = SchedulingState(
            cluster: ClusterFacts(siblings: Siblings(selectorOfOwner: owners.selector)), random: random,
            volumes: volumes.facts)
        var observations: [any Observation] = []
        for (source, resource) in Self.sources {
            let set = try await client.observe(resource, .all)
            observations.append(set.observe { [inbox] in inbox.put(source, $0) })
        }
        observations += volumes.observe { [inbox] in inbox.put(.volumes) }
        defer { for observation in observations { observation.cancel() } }
        await withDiscardingTaskGroup { group in
            group.addTask { await self.events.run() }
            await self.loop(state, volumes, &group)
            group.cancelAll()
        }
    }

    private static let sources: [(Inbox.Source, GroupVersionResource)] = [
        (.namespaces, .namespaces), (.services, .services), (.nodes, .nodes),
        (.budgets, .podDisruptionBudgets), (.pods, .pods),
    ]

    private func loop(
        _ state: SchedulingState, _ volumes: VolumeSets, _ group: inout DiscardingTaskGroup
    ) async {
        var inFlight = 0
        func start(_ jobs: [Job]) {
            for job in jobs {
                inFlight += 1
                group.addTask { await self.perform(job, volumes) }
            }
        }
        while !Task.isCancelled {
            let news = inbox.take()
            inFlight -= news.finished.count
            start(take(news, state))
            if inFlight < Self.writesAtOnce, let jobs = state.next(at: elapsed(), time: now()) {
                start(jobs)
                // Others want the thread as well.
                await Task.yield()
                continue
            }
            guard news.isEmpty else { continue }
            let due = inFlight < Self.writesAtOnce ? state.nextDue.map { max($0 - elapsed(), .zero) } : nil
            await inbox.wait(atMost: due, clock)
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

    private func perform(_ job: Job, _ volumes: VolumeSets) async {
        do throws(Status) {
            try await carryOut(job, volumes)
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
        case .bind(let pod, _), .serve(let pod, _, _), .tell(let pod, _), .preempt(let pod, _, _, _):
            pod.name.description
        case .forgetNominations(let pods): pods.map(\.name.description).joined(separator: ", ")
        }
    }
}
