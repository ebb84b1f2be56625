import Synchronization

/// Wakes one waiting task. A signal that is raised while nobody waits is kept for the next wait, and only
/// once: so a task that checks a condition, waits, and checks again misses nothing.
///
/// Not public: it is what the streams of this module are built from.
final class Signal: Sendable {
    private enum State {
        case idle
        case raised
        case waiting(CheckedContinuation<Void, Never>)
    }

    private let state = Mutex(State.idle)

    func raise() {
        let continuation: CheckedContinuation<Void, Never>? = state.withLock { state in
            guard case .waiting(let continuation) = state else {
                state = .raised
                return nil
            }
            state = .idle
            return continuation
        }
        continuation?.resume()
    }

    /// Returns when the signal was raised since the last wait. Throws when the task is cancelled.
    func wait() async throws(CancellationError) {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isRaised = state.withLock { state in
                    switch state {
                    case .raised:
                        state = .idle
                        return true
                    case .idle:
                        state = .waiting(continuation)
                        return false
                    case .waiting:
                        preconditionFailure("one task waits at a time")
                    }
                }
                if isRaised { continuation.resume() }
            }
        } onCancel: {
            raise()
        }
        if Task.isCancelled { throw CancellationError() }
    }
}
