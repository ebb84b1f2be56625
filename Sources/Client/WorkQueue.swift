import Synchronization

/// A ``KeyedQueue`` with a clock and workers: the heart of every reconcile loop.
///
/// Keys come from observations, from any thread; the work is done inside ``run(workers:report:_:)``. While nothing is
/// due it costs nothing: no timer is armed, no task runs.
public final class WorkQueue<Key: Hashable & Sendable>: Sendable {
    private struct State {
        var queue: KeyedQueue<Key>
        /// Workers that found nothing to do.
        var idle: [CheckedContinuation<Void, Never>] = []
        /// The timekeeper, while it knows no instant to wait for, or must be told of an earlier one.
        var timekeeper: CheckedContinuation<Void, Never>?
        var isStopping = false
    }

    private let state: Mutex<State>
    private let clock: any Clock<Duration>
    private let now: @Sendable () -> Duration
    private let figure: QueueFigure?

    /// `figure` counts what the queue does, if anybody wants to know.
    public init(
        backOff: KeyedQueue<Key>.BackOff = .init(), clock: some Clock<Duration> = ContinuousClock(),
        figure: QueueFigure? = nil
    ) {
        self.figure = figure
        let start = clock.now
        self.clock = clock
        now = { start.duration(to: clock.now) }
        state = Mutex(State(queue: KeyedQueue(backOff: backOff)))
    }

    /// The key shall be worked on soon.
    public func add(_ key: Key) {
        let instant = figure == nil ? .zero : now()
        change { $0.add(key, now: instant) }
    }

    /// The key shall be worked on after `delay`, or earlier if something else asks for it.
    public func add(_ key: Key, after delay: Duration) {
        let due = now() + delay
        change { $0.add(key, at: due) }
    }

    /// Works on keys until the task is cancelled: at most `workers` at once, one key never twice at once.
    ///
    /// `work` returns the delay after which it wants to see the key again, or `nil`. When it throws, `report` is told,
    /// and the key is tried again with back-off.
    public func run<Failure: Error>(
        workers: Int, report: @escaping @Sendable (Key, Failure) -> Void,
        _ work: @escaping @Sendable (Key) async throws(Failure) -> Duration?
    ) async {
        precondition(workers > 0, "a queue needs a worker")
        await withTaskCancellationHandler {
            await withTaskGroup { group in
                group.addTask { await self.keepTime() }
                for _ in 0..<workers {
                    group.addTask {
                        while let (key, since) = await self.next() { await self.perform(key, since, report, work) }
                    }
                }
            }
        } onCancel: {
            stop()
        }
    }

    private func perform<Failure: Error>(
        _ key: Key, _ since: Duration, _ report: @Sendable (Key, Failure) -> Void,
        _ work: @Sendable (Key) async throws(Failure) -> Duration?
    ) async {
        let id = figure?.begin(waited: now() - since)
        do throws(Failure) {
            let again = try await work(key)
            let due = again.map { now() + $0 }
            if let id { figure?.end(id, hasFailed: false) }
            change { queue in
                queue.succeeded(key)
                if let due { queue.add(key, at: due) }
            }
        } catch {
            report(key, error)
            if let id { figure?.end(id, hasFailed: true) }
            let failedAt = now()
            change { $0.failed(key, at: failedAt) }
        }
    }

    /// The next key, when there is one, and since when it has been waiting; `nil` when the queue stops.
    private func next() async -> (key: Key, since: Duration)? {
        while true {
            let taken: (Key, Duration)? = state.withLock { state in
                guard !state.isStopping, let key = state.queue.take() else { return nil }
                return (key, state.queue.wantedSince(key))
            }
            if let taken {
                figure?.changed(depth: -1, adds: 0)
                return taken
            }
            await withCheckedContinuation { continuation in
                let mustWait = state.withLock { state in
                    guard !state.isStopping, state.queue.readyCount == 0 else { return false }
                    state.idle.append(continuation)
                    return true
                }
                if !mustWait { continuation.resume() }
            }
            if state.withLock(\.isStopping) { return nil }
        }
    }

    /// Makes keys ready when their instant comes. One sleep at a time, for the earliest of them.
    private func keepTime() async {
        while !state.withLock(\.isStopping) {
            let due = state.withLock(\.queue.nextDue)
            await withTaskGroup { group in
                if let due, due > now() {
                    let clock = clock
                    let delay = due - now()
                    group.addTask { try? await clock.sleep(for: delay) }
                }
                if due.map({ $0 > now() }) ?? true { group.addTask { await self.waitForEarlierDue(than: due) } }
                await group.next()
                group.cancelAll()
                wakeTimekeeper()
            }
            let instant = now()
            change { $0.advance(to: instant) }
        }
    }

    private func waitForEarlierDue(than due: Duration?) async {
        await withCheckedContinuation { continuation in
            let mustWait = state.withLock { state in
                // The sleep beside it may have ended before this began: then nobody comes any more to wake it.
                guard !Task.isCancelled, !state.isStopping, state.queue.nextDue == due else { return false }
                state.timekeeper = continuation
                return true
            }
            if !mustWait { continuation.resume() }
        }
    }

    /// Changes the queue, then wakes as many workers as there are keys, and the timekeeper if it waits for too long.
    private func change(_ body: (inout KeyedQueue<Key>) -> Void) {
        let (workers, timekeeper, grown, adds) = state.withLock { state in
            let (dueBefore, readyBefore, addsBefore) = (state.queue.nextDue, state.queue.readyCount, state.queue.adds)
            body(&state.queue)
            let grown = state.isStopping ? 0 : state.queue.readyCount - readyBefore
            let count = min(state.queue.readyCount, state.idle.count)
            let woken = Array(state.idle.suffix(count))
            state.idle.removeLast(count)
            var timekeeper: CheckedContinuation<Void, Never>?
            if state.queue.nextDue != dueBefore { swap(&timekeeper, &state.timekeeper) }
            return (woken, timekeeper, grown, state.queue.adds - addsBefore)
        }
        figure?.changed(depth: grown, adds: adds)
        for worker in workers { worker.resume() }
        timekeeper?.resume()
    }

    private func wakeTimekeeper() {
        let timekeeper = state.withLock { state in
            let timekeeper = state.timekeeper
            state.timekeeper = nil
            return timekeeper
        }
        timekeeper?.resume()
    }

    private func stop() {
        let (waiting, left) = state.withLock { state in
            let left = state.isStopping ? 0 : state.queue.readyCount
            state.isStopping = true
            let waiting = state.idle + [state.timekeeper].compactMap(\.self)
            state.idle = []
            state.timekeeper = nil
            return (waiting, left)
        }
        figure?.changed(depth: -left, adds: 0)
        for continuation in waiting { continuation.resume() }
    }
}
