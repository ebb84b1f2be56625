import Synchronization

/// Lets one task at a time do something that suspends, in the order they came.
///
/// Unlike a lock it may be held across `await`; the number that waits is the number of tasks that share the
/// thing.
final class Turn: Sendable {
    private struct State {
        var isTaken = false
        var nextNumber = 0
        var waiting: [(number: Int, continuation: CheckedContinuation<Bool, Never>)] = []
        /// Waiters that were cancelled before they began to wait.
        var cancelled: Set<Int> = []
    }

    private let state = Mutex(State())

    /// Runs `body` when it is this task's turn. A task that is cancelled while it waits does not run it.
    func run<Result>(_ body: () async throws -> Result) async throws -> Result {
        let number = state.withLock { state in
            state.nextNumber += 1
            return state.nextNumber
        }
        let isOurs = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let answer: Bool? = state.withLock { state in
                    if state.cancelled.remove(number) != nil { return false }
                    guard state.isTaken else {
                        state.isTaken = true
                        return true
                    }
                    state.waiting.append((number, continuation))
                    return nil
                }
                if let answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            cancel(number)
        }
        // A turn that came together with the cancellation is taken and given back.
        _ = state.withLock { $0.cancelled.remove(number) }
        guard isOurs else { throw CancellationError() }
        defer { passOn() }
        try Task.checkCancellation()
        return try await body()
    }

    private func cancel(_ number: Int) {
        let continuation: CheckedContinuation<Bool, Never>? = state.withLock { state in
            guard let index = state.waiting.firstIndex(where: { $0.number == number }) else {
                state.cancelled.insert(number)
                return nil
            }
            return state.waiting.remove(at: index).continuation
        }
        continuation?.resume(returning: false)
    }

    private func passOn() {
        let next: CheckedContinuation<Bool, Never>? = state.withLock { state in
            guard !state.waiting.isEmpty else {
                state.isTaken = false
                return nil
            }
            return state.waiting.removeFirst().continuation
        }
        next?.resume(returning: true)
    }
}
