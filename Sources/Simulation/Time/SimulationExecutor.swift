#if canImport(Glibc)
    import Glibc
#endif
import Support
import Synchronization

/// Runs tasks on the one thread that calls ``run(_:_:)``, in an order that a seed decides.
///
/// A task that begins with this preference keeps it, and so do its children, wherever they are resumed from. Of the
/// jobs that are ready any may come next: each seed is another interleaving, and the same seed the same one.
final class SimulationExecutor: TaskExecutor {
    private struct State {
        var ready: [UnownedJob] = []
        var random: SeededRandom
        var thread: pthread_t?
        /// Jobs that came from another thread: their instant is not the seed's.
        var strays = 0
    }

    private let state: Mutex<State>

    init(seed: UInt64) { state = Mutex(State(random: SeededRandom(seed: seed))) }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        state.withLock { state in
            state.ready.append(job)
            if state.thread != pthread_self() { state.strays += 1 }
        }
    }

    /// How many jobs came from outside of the simulation.
    var strays: Int { state.withLock(\.strays) }

    /// Runs `body` and everything that it starts, until it returns. Throws when nothing moves any more.
    func run<Result: Sendable>(_ clock: VirtualClock, _ body: @escaping @Sendable () async -> Result) throws(Fault) -> Result {
        let result = Box<Result>()
        state.withLock { $0.thread = pthread_self() }
        Task(executorPreference: self) { result.set(await body()) }
        let executor = asUnownedTaskExecutor()
        while true {
            if let job = take() {
                job.runSynchronously(on: executor)
            } else if let result = result.value {
                return result
            } else if !clock.advance() {
                throw Fault(.failed, "the simulation stands still: somebody waits for what never comes")
            }
        }
    }

    private func take() -> UnownedJob? {
        state.withLock { state in
            guard !state.ready.isEmpty else { return nil }
            let index = state.ready.count == 1 ? 0 : Int.random(in: 0..<state.ready.count, using: &state.random)
            state.ready.swapAt(index, state.ready.count - 1)
            return state.ready.removeLast()
        }
    }

    private final class Box<Value: Sendable>: Sendable {
        private let content = Mutex<Value?>(nil)
        var value: Value? { content.withLock(\.self) }
        func set(_ value: Value) { content.withLock { $0 = value } }
    }
}
