import HeapModule
public import Support
import Synchronization

/// A clock whose time passes only when nothing is left to do before the next deadline.
///
/// Its sleepers are a heap: a week of heartbeats costs what the heartbeats cost.
public final class VirtualClock: Clock, Sendable {
    /// A point of virtual time, counted from the beginning of the simulation.
    public struct Instant: InstantProtocol {
        public var offset: Duration

        public func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }
        public func duration(to other: Instant) -> Duration { other.offset - offset }
        public static func < (a: Instant, b: Instant) -> Bool { a.offset < b.offset }
    }

    /// Ordered by deadline; of two with the same, the one that began to sleep first.
    private struct Sleeper: Comparable {
        var deadline: Instant
        var id: Int

        static func < (a: Sleeper, b: Sleeper) -> Bool { (a.deadline, a.id) < (b.deadline, b.id) }
    }

    private struct State {
        var now = Instant(offset: .zero)
        var sleepers: Heap<Sleeper> = []
        /// Those that were not cancelled meanwhile.
        var continuations: [Int: CheckedContinuation<Void, Never>] = [:]
        /// Cancelled before they slept.
        var cancelled: Set<Int> = []
        var count = 0
    }

    /// The wall-clock time at which the simulation begins.
    private let beginning: Timestamp
    private let state = Mutex(State())

    /// The same day for every seed.
    public init(beginning: Timestamp = Timestamp(seconds: 1_800_000_000)) { self.beginning = beginning }

    public var now: Instant { state.withLock(\.now) }
    public var minimumResolution: Duration { .nanoseconds(1) }

    /// Wall-clock time.
    public var time: Timestamp { beginning + now.offset }

    public func sleep(until deadline: Instant, tolerance: Duration? = nil) async throws {
        let id = state.withLock { state in
            state.count += 1
            return state.count
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let mustWait = state.withLock { state in
                    guard deadline > state.now, state.cancelled.remove(id) == nil else { return false }
                    state.sleepers.insert(Sleeper(deadline: deadline, id: id))
                    state.continuations[id] = continuation
                    return true
                }
                if !mustWait { continuation.resume() }
            }
        } onCancel: {
            wake(id)
        }
        guard Task.isCancelled else { return }
        state.withLock { _ = $0.cancelled.remove(id) }
        throw CancellationError()
    }

    private func wake(_ id: Int) {
        let continuation = state.withLock { state in
            let continuation = state.continuations.removeValue(forKey: id)
            if continuation == nil { state.cancelled.insert(id) }
            return continuation
        }
        continuation?.resume()
    }

    /// Moves on to the next deadline and wakes whoever slept until then. Returns `false` when nobody sleeps.
    func advance() -> Bool {
        let woken = state.withLock { state in
            var woken: [CheckedContinuation<Void, Never>] = []
            while let next = state.sleepers.min {
                // One that was cancelled moves no time.
                guard state.continuations[next.id] != nil else {
                    state.sleepers.removeMin()
                    continue
                }
                guard woken.isEmpty || next.deadline == state.now else { break }
                state.now = next.deadline
                state.sleepers.removeMin()
                if let continuation = state.continuations.removeValue(forKey: next.id) { woken.append(continuation) }
            }
            return woken
        }
        for continuation in woken { continuation.resume() }
        return !woken.isEmpty
    }
}
