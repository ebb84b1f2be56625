import API
import APIMachinery
import Client
import Host
import Logging
import Support
import Synchronization

/// Ends the pods in good order when the machine goes down: those of the lowest priority first, and the machine waits
/// meanwhile (KEP 2000, KEP 2712).
///
/// It sleeps on the system bus until logind speaks.
final class ShutdownKeeper: Sendable {
    private struct State: Sendable {
        var isShuttingDown = false
        /// Pods that have not given everything back.
        var awaited: Set<String> = []
        var times = ShutdownTimes()
    }

    private let options: KubeletOptions
    private let events: EventRecorder
    private let log: Logger
    private let state = Mutex(State())
    private let left = Bell()
    private let observer: @Sendable (_ isShuttingDown: Bool) -> Void

    /// `observer` is called when the machine begins to go down, and when it does not after all. It must return at
    /// once.
    init(
        _ options: KubeletOptions, events: EventRecorder, log: Logger,
        observer: @escaping @Sendable (_ isShuttingDown: Bool) -> Void
    ) {
        self.options = options
        self.events = events
        self.log = log
        self.observer = observer
    }

    private var file: String { Path.join(options.layout.root, ShutdownTimes.file) }

    /// Why the node is not ready.
    var complaint: String? { state.withLock(\.isShuttingDown) ? "node is shutting down" : nil }

    /// Nothing of the pod runs any more, and its volumes are given back.
    func note(_ uid: String) {
        let isAwaited = state.withLock { $0.awaited.remove(uid) != nil }
        if isAwaited { left.ring() }
    }

    /// Waits for the machine to go down, until cancelled. Without periods, or without logind, there is nothing to do.
    func run(_ context: PodContext) async {
        guard !options.shutdownPeriods.periods.isEmpty else { return }
        var (pause, isThere) = (Duration.seconds(1), false)
        while !Task.isCancelled {
            do throws(Fault) {
                try await follow(context, found: { isThere = true }, begun: { pause = .seconds(1) })
            } catch {
                guard !Task.isCancelled else { return }
                // One that keeps silent is there.
                guard isThere || error.code == .timedOut else {
                    return log.warning("the node's pods are not ended when the machine goes down: \(error.forPeople)")
                }
                log.warning("logind is not heard any more, trying again: \(error.forPeople)")
            }
            try? await Task.sleep(for: pause)
            pause = min(pause + pause, .seconds(60))
        }
    }

    /// `found` is called when logind has answered, `begun` when it will wait.
    private func follow(_ context: PodContext, found: () -> Void, begun: () -> Void) async throws(Fault) {
        var manager = try await LoginManager(bus: options.systemBus, patience: options.busPatience)
        try await prolong(&manager)
        found()
        var lock: Descriptor? = try await manager.inhibit()
        begun()
        while let isDue = try await manager.nextShutdown() {
            tell(isDue)
            if isDue {
                await end(context)
                // The machine goes on to go down.
                lock = nil
            } else {
                lock = try await manager.inhibit()
            }
        }
        withExtendedLifetime(lock) {}
    }

    /// Has logind wait for as long as the pods may take, where its configuration says less.
    private func prolong(_ manager: inout LoginManager) async throws(Fault) {
        let wanted = options.shutdownPeriods.whole
        guard try await manager.longestDelay() < wanted else { return }
        let seconds = wanted.components.seconds
        try Files.makeDirectory(options.logindFolder, mode: 0o755)
        try Files.write(
            "# Kubelet logind override\n[Login]\nInhibitDelayMaxSec=\(seconds)\n",
            to: Path.join(options.logindFolder, "99-kubelet.conf"), mode: 0o644)
        try await manager.reload()
        let present = try await manager.longestDelay()
        guard present < wanted else { return }
        log.warning(
            """
            logind waits for \(GoDuration.format(present)) (InhibitDelayMaxSec), which is less than the \
            \(GoDuration.format(wanted)) that pods may take when the machine goes down
            """)
    }

    private func tell(_ isDue: Bool) {
        state.withLock { $0.isShuttingDown = isDue }
        log.info(isDue ? "the machine goes down" : "the machine does not go down after all")
        events.record(
            Node(name: options.nodeName), reason: "NodeShutdown",
            message: "Shutdown manager detected shutdown \(isDue ? "event" : "cancellation")")
        observer(isDue)
    }

    // MARK: Pods

    /// Ends one group of pods after the other; each has its time, and is waited for no longer.
    private func end(_ context: PodContext) async {
        note { $0 = ShutdownTimes(begin: .now) }
        let periods = options.shutdownPeriods
        var groups = [[Pod]](repeating: [], count: periods.periods.count)
        for pod in context.table.activePods {
            if let index = periods.index(ofPriority: pod.spec.priority ?? 0) { groups[index].append(pod) }
        }
        for (period, pods) in zip(periods.periods, groups) where !pods.isEmpty {
            state.withLock { $0.awaited = Set(pods.map(\.metadata.uid)) }
            for pod in pods { context.end(pod.metadata.uid, .shutdown(pod, seconds: period.seconds)) }
            await wait(.now + .seconds(min(period.seconds, PodFacts.longestGrace)))
        }
        note { $0.end = .now }
    }

    private func wait(_ deadline: ContinuousClock.Instant) async {
        while !Task.isCancelled, !state.withLock(\.awaited.isEmpty), deadline > .now {
            await left.wait(atMost: deadline - .now)
        }
        let late = state.withLock { state in
            defer { state.awaited = [] }
            return state.awaited.count
        }
        if late > 0 { log.warning("\(late) pods did not end in the time that they have when the machine goes down") }
    }

    private func note(_ change: (inout ShutdownTimes) -> Void) {
        let times = state.withLock { state in
            change(&state.times)
            return state.times
        }
        do throws(Fault) { try Files.write(times.json, to: file, mode: 0o600) } catch {
            log.warning("when the machine went down is not kept: \(error)")
        }
    }
}
