public import API
import APIMachinery
import Client
public import Logging
public import Runtime
public import Support
import Synchronization

/// Runs the startup, liveness and readiness probes of this node's containers.
///
/// One queue in the order of deadlines drives all of them: a container that waits for its next probe has no
/// task and no timer of its own, and only so many probes run at once.
public final class Prober: Sendable {
    private struct Key: Hashable {
        var containerID: String
        var kind: ProbeKind
    }

    /// A container that is being probed.
    private struct Target {
        var podUID: String
        var podName: ObjectName
        var podIP: String
        var container: Container
        var startedAt: Timestamp
        var probes: ContainerProbes
    }

    private let checker: any ProbeChecker
    private let log: Logger
    private let targets = Mutex<[String: Target]>([:])
    private let counted = Mutex(ProbeFigures())
    private let queue: WorkQueue<Key>
    private let clock: any Clock<Duration>
    private let now: @Sendable () -> Timestamp

    /// Probes that run at once; the others wait for their turn.
    private static let workers = 32

    public convenience init(runtime: any RuntimeService, log: Logger) {
        let checker = NetworkChecker { id, command, timeout throws(Fault) in
            try await runtime.execSync(id, command, timeout: timeout)
        }
        self.init(checker, clock: ContinuousClock(), log: log) { .now }
    }

    /// `now` is compared with the instant at which a container started.
    init(
        _ checker: any ProbeChecker, clock: some Clock<Duration>, log: Logger,
        now: @escaping @Sendable () -> Timestamp
    ) {
        self.now = now
        self.checker = checker
        self.log = log
        self.clock = clock
        queue = WorkQueue(clock: clock)
    }

    /// The container runs: begin its probes. A call for a container that is being probed changes nothing.
    ///
    /// `podIP` is the node's for a pod in the host's network. A container that the pod's status shows as
    /// started or ready stays so until a probe says otherwise, so that a restart of the kubelet takes no pod
    /// out of service.
    public func start(
        _ pod: Pod, _ container: Container, containerID: String, podIP: String, startedAt: Timestamp
    ) {
        let status = pod.containerStatus(containerID)
        let kinds = targets.withLock { targets -> [ProbeKind] in
            guard targets[containerID] == nil else { return [] }
            let probes = ContainerProbes(
                container, wasStarted: status?.started ?? false, wasReady: status?.ready ?? false)
            targets[containerID] = Target(
                podUID: pod.metadata.uid, podName: pod.objectName, podIP: podIP, container: container, startedAt: startedAt,
                probes: probes)
            return probes.kinds
        }
        for kind in kinds { queue.add(Key(containerID: containerID, kind: kind)) }
    }

    /// The container has ended, or is about to: its probes end, and what they said is forgotten.
    public func stop(containerID: String) {
        targets.withLock { $0[containerID] = nil }
    }

    /// Nothing of the pod is left: what was counted of its probes is forgotten, too.
    func forget(podUID: String) { counted.withLock { $0.forget(podUID) } }

    /// How probes went, in the text form of Prometheus.
    var figures: [UInt8] { counted.withLock(\.self).text }

    /// What the probes of a container say now. One that is not probed is neither started nor ready.
    public func verdict(containerID: String) -> ProbeVerdict {
        targets.withLock { $0[containerID]?.probes.verdict } ?? ProbeVerdict(isStarted: false, isReady: false)
    }

    /// Runs the probes until cancelled; run it once.
    ///
    /// `changed` is called with the pod's uid at every change of a verdict, `failed` at every probe that
    /// fails or has something to warn of, with the pod's uid, the container, and the reason and message of the
    /// event. Both must return at once.
    public func run(
        changed: @escaping @Sendable (_ podUID: String) -> Void,
        failed:
            @escaping @Sendable (
                _ podUID: String, _ container: String, _ reason: String, _ message: String
            ) -> Void
    ) async {
        await queue.run(workers: Self.workers) { (_: Key, _: Never) in
        } _: { key throws(Never) in
            await self.probe(key, changed, failed)
        }
    }

    /// Runs one probe if it is time; returns how long until it must run again.
    private func probe(
        _ key: Key, _ changed: (String) -> Void, _ failed: (String, String, String, String) -> Void
    ) async -> Duration? {
        guard let target = targets.withLock({ $0[key.containerID] }),
            let probe = key.kind.probe(of: target.container),
            let schedule = target.probes.schedule(ofRunnable: key.kind)
        else { return nil }
        // One that starts in the future has started before the clock was put back.
        let now = now()
        let wait = target.startedAt + schedule.initialDelay - now
        if wait > .zero, !target.startedAt.isBeyond(now) { return wait }
        let elapsed = stopwatch()
        let outcome: ProbeOutcome
        do throws(Fault) {
            let action = try ProbeAction(probe, in: target.container, podIP: target.podIP)
            outcome = await checker.check(action, containerID: key.containerID, timeout: schedule.timeout)
        } catch {
            outcome = .unknown(error.summary)
        }
        guard !Task.isCancelled, targets.withLock({ $0[key.containerID] != nil }) else { return nil }
        count(outcome, key, target, took: elapsed())
        report(outcome, key, target, failed)
        if record(outcome, key) { changed(target.podUID) }
        return max(schedule.period - elapsed(), .zero)
    }

    private func count(_ outcome: ProbeOutcome, _ key: Key, _ target: Target, took: Duration) {
        let probe = ProbeFigures.Key(
            namespace: target.podName.namespace, pod: target.podName.name, container: target.container.name,
            kind: key.kind)
        counted.withLock { $0.note(target.podUID, probe, outcome, took: took) }
    }

    /// Tells of a failure, which the log and the pod's events show.
    private func report(
        _ outcome: ProbeOutcome, _ key: Key, _ target: Target,
        _ failed: (String, String, String, String) -> Void
    ) {
        let message: String
        switch outcome {
        case .success: return
        case .warning(let text):
            failed(
                target.podUID, target.container.name, "ProbeWarning", "\(key.kind.rawValue) probe warning: \(text)")
            return
        case .failure(let text): message = "\(key.kind.rawValue) probe failed: \(text)"
        case .unknown(let text):
            message = "\(key.kind.rawValue) probe errored and resulted in unknown state: \(text)"
        }
        log.debug("container \(target.container.name) of pod \(target.podUID): \(message)")
        failed(target.podUID, target.container.name, "Unhealthy", message)
    }

    /// Says whether the verdict has changed. A container that has started is probed further at once.
    private func record(_ outcome: ProbeOutcome, _ key: Key) -> Bool {
        let result: Bool
        switch outcome {
        case .success, .warning: result = true
        case .failure: result = false
        case .unknown: return false
        }
        let (isChanged, isStarted) = targets.withLock { targets in
            let isChanged = targets[key.containerID]?.probes.record(key.kind, result) ?? false
            return (isChanged, targets[key.containerID]?.probes.verdict.isStarted ?? false)
        }
        if key.kind == .startup, isChanged, isStarted {
            for kind in [ProbeKind.liveness, .readiness] {
                queue.add(Key(containerID: key.containerID, kind: kind))
            }
        }
        return isChanged
    }

    private func stopwatch() -> () -> Duration { Self.stopwatch(clock) }

    private static func stopwatch<C: Clock<Duration>>(_ clock: C) -> () -> Duration {
        let start = clock.now
        return { start.duration(to: clock.now) }
    }
}

extension Pod {
    /// The status of the container with this id, in whatever list it is.
    fileprivate func containerStatus(_ id: String) -> ContainerStatus? {
        (status.containerStatuses + status.initContainerStatuses).first {
            $0.containerID.hasSuffix("//" + id)
        }
    }
}
