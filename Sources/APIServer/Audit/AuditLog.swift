import DequeModule
import Support
import Synchronization

/// The queue between requests and one sink: bounded, in order, written in batches by ``run()``.
final class AuditLog: Sendable {
    private struct State {
        var lines = Deque<[UInt8]>()
        /// How many were taken, handed to the sink, and lost since the start.
        var appended = 0
        var finished = 0
        var lost = 0
        /// The newest batch that could not be written.
        var failed = 0..<0
        var waiters: [(upTo: Int, continuation: CheckedContinuation<Bool, Never>)] = []
        /// A batch is with the sink, which gets one at a time, in order.
        var isWriting = false
        var isClosed = false
        var bucket: TokenBucket?
    }

    private let backend: AuditBackend
    private let now: @Sendable () -> Timestamp
    private let state = Mutex(State())
    private let bell = Bell()
    /// Rings when a batch has left the sink.
    private let idleBell = Bell()

    init(_ backend: AuditBackend, now: @escaping @Sendable () -> Timestamp) {
        self.backend = backend
        self.now = now
    }

    var name: String { backend.name }
    /// Events that were not written.
    var lost: Int { state.withLock(\.lost) }

    // MARK: Filling

    /// Takes an event; drops it when there is no room and nobody waits for any.
    func append(_ event: AuditEvent) {
        let line = event.line(limit: backend.longestEvent)
        let room = max(1, backend.bufferedEvents)
        let mustRing = state.withLock { state in
            // Who waits for room at the begin of a request needs it once more for each stage that follows.
            guard state.lines.count < (backend.mode == .batch ? room : 4 * room), !state.isClosed else {
                state.lost += 1
                return false
            }
            state.appended += 1
            state.lines.append(line)
            return state.lines.count == 1 || state.lines.count == backend.batch.events
        }
        if mustRing { bell.ring() }
    }

    /// Whether a request must wait now before it goes on.
    var mustWait: Bool {
        switch backend.mode {
        case .batch: false
        case .blocking: state.withLock { $0.lines.count >= max(1, backend.bufferedEvents) }
        case .blockingStrict: true
        }
    }

    /// Waits as the mode asks. False when the request must not go on, since it could not be written down.
    func settle() async -> Bool {
        guard mustWait else { return true }
        let isStrict = backend.mode == .blockingStrict
        let room = max(1, backend.bufferedEvents)
        let isWritten = await wait(upTo: state.withLock { isStrict ? $0.appended : $0.appended - room + 1 })
        return !isStrict || isWritten
    }

    /// Waits until so many events have been handed to the sink. Returns whether the last of them was written.
    private func wait(upTo: Int) async -> Bool {
        await withCheckedContinuation { continuation in
            let known: Bool? = state.withLock { state in
                if state.finished >= upTo { return !state.failed.contains(upTo - 1) }
                if state.isClosed { return false }
                state.waiters.append((upTo, continuation))
                return nil
            }
            if let known { continuation.resume(returning: known) }
        }
    }

    // MARK: Draining

    /// Writes what comes until the task is cancelled.
    func run() async {
        while !Task.isCancelled {
            await bell.wait()
            await gather()
            await drain()
        }
    }

    /// Writes what is left, for no longer than `limit` if the sink heeds it. Events that come later are lost.
    func close(within limit: Duration = .seconds(10)) async {
        await withTaskGroup { group in
            group.addTask { await self.drainToTheEnd() }
            group.addTask { try? await Task.sleep(for: limit) }
            await group.next()
            group.cancelAll()
        }
        let waiters = state.withLock { state in
            state.isClosed = true
            state.lost += state.lines.count
            state.lines = []
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.continuation.resume(returning: false) }
    }

    /// The last batch may be in the hands of ``run()``, which gives back what it cannot finish.
    private func drainToTheEnd() async {
        while !Task.isCancelled {
            await drain()
            let (isWriting, isEmpty) = state.withLock { ($0.isWriting, $0.lines.isEmpty) }
            if isWriting { await idleBell.wait() } else if isEmpty { return }
        }
    }

    /// Lets others join the first event of a batch, if they come soon.
    private func gather() async {
        guard backend.mode == .batch, let wait = backend.batch.wait else { return }
        let isFull = state.withLock { $0.lines.count >= backend.batch.events ?? .max }
        if !isFull { await bell.wait(atMost: wait) }
    }

    private func drain() async {
        while let lines = next() {
            do {
                try await holdBack()
                try await backend.sink.write(Array(lines.joined()))
                finish(lines.count, hasFailed: false)
            } catch {
                if Task.isCancelled { return giveBack(lines) }
                // Counted in `apiserver_audit_error_total`, which is where Kubernetes says it too.
                finish(lines.count, hasFailed: true)
            }
        }
    }

    /// Keeps to the rate of writes.
    private func holdBack() async throws {
        guard let perSecond = backend.batch.perSecond else { return }
        let rate = TokenBucket.Rate(perSecond: perSecond, burst: max(1, backend.batch.burst))
        while !takeToken(rate) { try await Task.sleep(for: .seconds(1 / perSecond)) }
    }

    private func takeToken(_ rate: TokenBucket.Rate) -> Bool {
        let moment = now()
        return state.withLock { state in
            var bucket = state.bucket ?? TokenBucket(rate, at: moment)
            defer { state.bucket = bucket }
            return bucket.take(rate, at: moment)
        }
    }

    private func next() -> [[UInt8]]? {
        state.withLock { state in
            guard !state.isWriting, let first = state.lines.popFirst() else { return nil }
            state.isWriting = true
            var batch = [first]
            var bytes = first.count
            while let line = state.lines.first, bytes + line.count <= backend.batch.bytes,
                batch.count < backend.batch.events ?? .max
            {
                bytes += line.count
                batch.append(line)
                state.lines.removeFirst()
            }
            return batch
        }
    }

    private func giveBack(_ lines: [[UInt8]]) {
        state.withLock { state in
            state.isWriting = false
            for line in lines.reversed() { state.lines.prepend(line) }
        }
        idleBell.ring()
    }

    private func finish(_ count: Int, hasFailed: Bool) {
        let ready = state.withLock { state in
            state.isWriting = false
            state.finished += count
            if hasFailed {
                state.failed = state.finished - count..<state.finished
                state.lost += count
            }
            let split = state.waiters.partition { $0.upTo <= state.finished }
            let ready = Array(state.waiters[split...])
            state.waiters.removeSubrange(split...)
            return ready
        }
        for waiter in ready { waiter.continuation.resume(returning: !hasFailed) }
        idleBell.ring()
    }
}
