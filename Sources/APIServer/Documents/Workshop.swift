import DequeModule
import Glibc
import Synchronization

/// Does what keeps a processor busy for long, one piece after the other, on a thread that is there only while there is
/// something to do: event loops and Swift's own threads are for what is short.
final class Workshop: Sendable {
    private struct State {
        var jobs: Deque<@Sendable () -> Void> = []
        var isOpen = false
    }

    private let state = Mutex(State())

    /// Suspends until it is done. Whoever asks waits, so there are no more jobs than requests under way.
    func run<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
        await withCheckedContinuation { continuation in add { continuation.resume(returning: body()) } }
    }

    func add(_ job: @escaping @Sendable () -> Void) {
        let mustOpen = state.withLock { state in
            state.jobs.append(job)
            defer { state.isOpen = true }
            return !state.isOpen
        }
        // Late is better than never: without a thread it is done here.
        if mustOpen, !start() { work() }
    }

    private func work() {
        while let job = next() { job() }
    }

    private func next() -> (@Sendable () -> Void)? {
        state.withLock { state in
            let job = state.jobs.popFirst()
            state.isOpen = job != nil
            return job
        }
    }

    private func start() -> Bool {
        let own = Unmanaged.passRetained(self)
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { argument in
                if let argument { Unmanaged<Workshop>.fromOpaque(argument).takeRetainedValue().work() }
                return nil
            }, own.toOpaque())
        if code == 0 { pthread_detach(thread) } else { own.release() }
        return code == 0
    }
}
