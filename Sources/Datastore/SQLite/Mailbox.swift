import Glibc
import Synchronization

/// Where callers leave what they want, and where the one thread that owns the database picks it up.
///
/// Bounded: a caller that finds it full is refused. The thread sleeps when it is empty, and is woken by the
/// first caller only; while it works, arriving callers cost it nothing and form the next group.
final class Mailbox: Sendable {
    typealias Answer = UnsafeContinuation<Result<Revision, DatastoreError>, Never>
    /// Anything but a write. Runs on the thread, between two groups.
    typealias Errand = @Sendable (CommitThread) -> Void

    struct Waiting: Sendable {
        var write: Write
        var answer: Answer
    }

    /// What the thread finds: one group of writes, and all errands.
    struct Delivery: Sendable {
        var writes: [Waiting] = []
        var errands: [Errand] = []
        /// Nothing is left, and nothing more will come.
        var isLast = false
    }

    enum Limit {
        /// Writes that may wait.
        static let waiting = 16_384
        /// Writes of one group, and the bytes of their values after which a group is full.
        static let group = 512
        static let groupBytes = 4 << 20
    }

    fileprivate struct State {
        var writes: [Waiting] = []
        var errands: [Errand] = []
        var isAsleep = false
        var isClosed = false
    }

    private let state = Mutex(State())
    private let bell = Bell()

    /// Leaves a write. Its answer comes when it is committed or refused.
    func post(_ write: Write, _ answer: Answer) {
        let refusal = submit { state throws(DatastoreError) in
            guard state.writes.count < Limit.waiting else {
                throw .unavailable("too many writes wait for the disk")
            }
            state.writes.append(Waiting(write: write, answer: answer))
        }
        if let refusal { answer.resume(returning: .failure(refusal)) }
    }

    /// Leaves an errand, unless the datastore is closed.
    func post(_ errand: @escaping Errand) -> DatastoreError? {
        submit { state throws(DatastoreError) in state.errands.append(errand) }
    }

    /// Lets nothing more in. The thread ends when it has done what waits.
    func close() {
        let wakes = state.withLock { state in
            state.isClosed = true
            return state.wake()
        }
        if wakes { bell.ring() }
    }

    private func submit(_ add: (inout State) throws(DatastoreError) -> Void) -> DatastoreError? {
        let (refusal, wakes) = state.withLock { state -> (DatastoreError?, Bool) in
            if state.isClosed { return (.unavailable("the datastore is closed"), false) }
            do throws(DatastoreError) { try add(&state) } catch { return (error, false) }
            return (nil, state.wake())
        }
        if wakes { bell.ring() }
        return refusal
    }

    /// Gives the writers that were just answered a moment to come back, so that they make one group again.
    /// The first of them would otherwise be committed alone, while the others wait for two fsyncs.
    func linger(for count: Int, atMost patience: Duration) {
        let start = ContinuousClock.now
        while state.withLock({ $0.writes.count }) < count, start.duration(to: .now) < patience {
            sched_yield()
        }
    }

    /// Waits until something is there, or not at all when `isBusy`.
    func next(isBusy: Bool) -> Delivery {
        while true {
            let delivery = state.withLock { state -> Delivery? in
                let isEmpty = state.writes.isEmpty && state.errands.isEmpty
                if isEmpty && !isBusy && !state.isClosed {
                    state.isAsleep = true
                    return nil
                }
                return state.take()
            }
            if let delivery { return delivery }
            bell.wait()
        }
    }
}

extension Mailbox.State {
    /// Whether the thread sleeps and must be woken; it is taken for awake from now on.
    fileprivate mutating func wake() -> Bool {
        defer { isAsleep = false }
        return isAsleep
    }

    fileprivate mutating func take() -> Mailbox.Delivery {
        let isLast = isClosed && writes.isEmpty && errands.isEmpty
        var delivery = Mailbox.Delivery(isLast: isLast)
        swap(&delivery.errands, &errands)
        var (count, bytes) = (0, 0)
        while count < min(writes.count, Mailbox.Limit.group), bytes < Mailbox.Limit.groupBytes {
            bytes += writes[count].write.value?.count ?? 0
            count += 1
        }
        if count == writes.count {
            swap(&delivery.writes, &writes)
        } else {
            delivery.writes = Array(writes[..<count])
            writes.removeFirst(count)
        }
        return delivery
    }
}

/// A semaphore of the system's: one thread waits, any thread rings.
private final class Bell: @unchecked Sendable {
    // Proof: the pointer never changes, and POSIX lets any thread call sem_post and sem_wait on what it
    // points to.
    private let semaphore: UnsafeMutablePointer<sem_t>

    init() {
        semaphore = .allocate(capacity: 1)
        sem_init(semaphore, 0, 0)
    }

    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    func ring() { sem_post(semaphore) }

    func wait() {
        while sem_wait(semaphore) != 0 {}  // Interrupted by a signal: wait on.
    }
}
