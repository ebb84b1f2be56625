import DequeModule
public import Support
import Synchronization

/// Where audit events end up: lines of JSON.
public protocol AuditSink: Sendable {
    /// Writes whole lines. Suspends while the disk is slow.
    func write(_ lines: [UInt8]) async throws(Fault)
}

/// The queue between requests and the sink: bounded, in order, written in batches by ``run()``.
final class AuditLog: Sendable {
    /// What one write takes at most, in bytes, beyond its first event.
    private static let batch = 1 << 20

    private struct State {
        var lines = Deque<[UInt8]>()
        /// How many were taken, handed to the sink, and lost since the start.
        var appended = 0
        var finished = 0
        var lost = 0
        /// The newest batch that could not be written.
        var failed = 0..<0
        var levels = [Int](repeating: 0, count: AuditLevel.allCases.count)
        var rejected = 0
        var waiters: [(upTo: Int, continuation: CheckedContinuation<Bool, Never>)] = []
        /// A batch is with the sink, which gets one at a time, in order.
        var isWriting = false
        var isClosed = false
    }

    private let sink: any AuditSink
    let mode: AuditMode
    private let bound: Int
    private let longest: Int?
    private let state = Mutex(State())
    private let bell = Bell()

    init(_ options: AuditOptions) {
        sink = options.sink
        mode = options.mode
        bound = max(1, options.bufferedEvents)
        longest = options.longestEvent
    }

    // MARK: Filling

    /// Takes an event; drops it when there is no room and nobody waits for any.
    func append(_ event: AuditEvent) {
        let line = event.line(limit: longest)
        let isFirst = state.withLock { state in
            // Who waits for room at the begin of a request needs it once more for each stage that follows.
            guard state.lines.count < (mode == .batch ? bound : 4 * bound), !state.isClosed else {
                state.lost += 1
                return false
            }
            state.appended += 1
            state.lines.append(line)
            return state.lines.count == 1
        }
        if isFirst { bell.ring() }
    }

    /// Whether a request must wait now before it goes on.
    var mustWait: Bool {
        switch mode {
        case .batch: false
        case .blocking: state.withLock { $0.lines.count >= bound }
        case .blockingStrict: true
        }
    }

    /// Waits as the mode asks. False when the request must not go on, since it could not be written down.
    func settle() async -> Bool {
        guard mustWait else { return true }
        let isStrict = mode == .blockingStrict
        let upTo = state.withLock { isStrict ? $0.appended : $0.appended - bound + 1 }
        let isWritten = await wait(upTo: upTo)
        guard isStrict, !isWritten else { return true }
        state.withLock { $0.rejected += 1 }
        return false
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

    func counted(_ level: AuditLevel) { state.withLock { $0.levels[level.rawValue] += 1 } }

    // MARK: Draining

    /// Writes what comes until the task is cancelled.
    func run() async {
        while !Task.isCancelled {
            await drain()
            await bell.wait()
        }
    }

    /// Writes what is left. Events that come later are lost.
    func close() async {
        await drain()
        // The last of them may be in the hands of ``run()``, which then does the same.
        _ = await wait(upTo: state.withLock(\.appended))
        let waiters = state.withLock { state in
            state.isClosed = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.continuation.resume(returning: false) }
    }

    private func drain() async {
        while let (lines, count) = next() {
            var hasFailed = false
            do throws(Fault) {
                try await sink.write(lines)
            } catch {
                // Counted in `apiserver_audit_error_total`, which is where Kubernetes says it too.
                hasFailed = true
            }
            finish(count, hasFailed: hasFailed)
        }
    }

    private func next() -> (lines: [UInt8], count: Int)? {
        state.withLock { state in
            guard !state.isWriting, var lines = state.lines.popFirst() else { return nil }
            state.isWriting = true
            var count = 1
            while let line = state.lines.first, lines.count + line.count <= Self.batch {
                lines += line
                state.lines.removeFirst()
                count += 1
            }
            return (lines, count)
        }
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
    }

    // MARK: Figures

    func write(to text: inout MetricText) {
        let (appended, lost, rejected, levels) = state.withLock { ($0.appended, $0.lost, $0.rejected, $0.levels) }
        text.begin("apiserver_audit_event_total", .counter, "Audit events that were made.")
        text.sample("apiserver_audit_event_total", [], Double(appended))
        text.begin("apiserver_audit_error_total", .counter, "Audit events that were not written.")
        text.sample("apiserver_audit_error_total", [("plugin", "log")], Double(lost))
        text.begin("apiserver_audit_requests_rejected_total", .counter, "Requests that could not be audited.")
        text.sample("apiserver_audit_requests_rejected_total", [], Double(rejected))
        text.begin("apiserver_audit_level_total", .counter, "Requests by the level that the audit policy has for them.")
        for level in AuditLevel.allCases {
            text.sample("apiserver_audit_level_total", [("level", level.name)], Double(levels[level.rawValue]))
        }
    }
}
