import Synchronization

/// Wakes one waiter. Rings that nobody waits for are kept as one.
///
/// Unlike an `AsyncStream`, it survives that a wait is cancelled.
public final class Bell: Sendable {
    private struct State {
        var hasRung = false
        var waiting: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    public init() {}

    public func ring() {
        let waiting = state.withLock { state in
            state.hasRung = state.waiting == nil
            defer { state.waiting = nil }
            return state.waiting
        }
        waiting?.resume()
    }

    /// Returns after the next ring, at once when one is kept, or when the task is cancelled. One waiter at a time.
    public func wait() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let mustWait = state.withLock { state in
                    // A cancellation that came first has rung already.
                    guard !state.hasRung else {
                        state.hasRung = false
                        return false
                    }
                    precondition(state.waiting == nil, "a bell has one waiter at a time")
                    state.waiting = continuation
                    return true
                }
                if !mustWait { continuation.resume() }
            }
        } onCancel: {
            ring()
        }
    }

    /// As ``wait()``, but no longer than `limit`.
    public func wait(
        atMost limit: Duration, tolerance: Duration? = nil, clock: any Clock<Duration> = ContinuousClock()
    ) async {
        await withTaskGroup { group in
            group.addTask { try? await clock.sleep(for: limit, tolerance: tolerance) }
            group.addTask { await self.wait() }
            await group.next()
            group.cancelAll()
        }
    }
}
