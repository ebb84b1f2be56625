import Datastore
import Support
import Synchronization

/// Gives memory that a burst of work has left free back to the system, a while after the burst.
///
/// What requests allocate is freed in pieces between what stays, and the allocator keeps such pages for good unless it
/// is asked. Caused by work, never by time: an idle server is not woken.
final class MemoryKeeper: Sendable {
    struct Limits: Sendable {
        /// Bytes of bodies, and writes, after which it is worth the milliseconds that it takes.
        var bytes = 1 << 20
        var writes: Revision = 256
        /// How long a burst is given to end.
        var calm = Duration.seconds(10)
    }

    private let limits: Limits
    private let clock: any Clock<Duration>
    private let answered = Atomic(0)
    private let isDue = Bell()
    private let giveBack: @Sendable () -> Void

    init(
        _ limits: Limits = Limits(), clock: any Clock<Duration> = ContinuousClock(),
        giveBack: @escaping @Sendable () -> Void
    ) {
        self.limits = limits
        self.clock = clock
        self.giveBack = giveBack
    }

    /// A body of so many bytes was made or read.
    func note(bytes: Int) {
        let sum = answered.wrappingAdd(bytes, ordering: .relaxed).newValue
        if sum >= limits.bytes { isDue.ring() }
    }

    /// Runs until the task is cancelled. The start, which brought it here, counts as a burst.
    func run(following log: ObjectLog) async {
        isDue.ring()
        await withDiscardingTaskGroup { group in
            group.addTask { [self] in
                for await _ in log.advances(by: limits.writes) { isDue.ring() }
            }
            while true {
                await isDue.wait()
                // Throws only when cancelled.
                do { try await clock.sleep(for: limits.calm, tolerance: limits.calm / 10) } catch { break }
                answered.store(0, ordering: .relaxed)
                giveBack()
            }
        }
    }
}
