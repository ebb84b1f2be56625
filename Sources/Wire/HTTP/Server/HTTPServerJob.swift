import Synchronization

/// An exchange that goes on in a task, and the means to cancel just this one.
///
/// A discarding task group gives no handle for its children, so that each child puts up its own:
/// `UnsafeCurrentTask`, which may be cancelled from any thread while the task lives.
final class HTTPServerJob: Sendable {
    /// Proof for `@unchecked Sendable`: the handle is only used to call `cancel()`, which is thread-safe, and
    /// only under ``state``'s lock while it is set; ``run()`` takes it back under the same lock before the
    /// task ends.
    private struct Handle: @unchecked Sendable { var task: UnsafeCurrentTask }

    private enum State {
        case waiting
        case running(Handle)
        case cancelled, over
    }

    private let state = Mutex(State.waiting)
    private let operation: @Sendable () async throws -> Void
    private let ended: @Sendable ((any Error)?) -> Void

    init(
        operation: @escaping @Sendable () async throws -> Void,
        ended: @escaping @Sendable ((any Error)?) -> Void
    ) {
        self.operation = operation
        self.ended = ended
    }

    /// Runs the operation in the current task. A job that was cancelled before it began does not begin.
    func run() async {
        let failure = await withUnsafeCurrentTask { task -> (any Error)? in
            let mustRun = state.withLock { state in
                guard case .waiting = state, let task else { return false }
                state = .running(Handle(task: task))
                return true
            }
            defer { state.withLock { $0 = .over } }
            guard mustRun else { return CancellationError() }
            do {
                try await operation()
                return nil
            } catch {
                return error
            }
        }
        ended(failure)
    }

    /// Cancels the task, wherever it is.
    func cancel() {
        state.withLock { state in
            switch state {
            case .waiting: state = .cancelled
            case .running(let handle): handle.task.cancel()
            case .cancelled, .over: break
            }
        }
    }
}
