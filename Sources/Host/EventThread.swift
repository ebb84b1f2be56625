import CLinux
import Glibc
import Synchronization

/// The one thread of this module: it sleeps until a descriptor is ready or a job arrives, and never ends.
///
/// Descriptors wait here (`epoll`), so that no task blocks a thread of Swift's pool and nothing polls.
/// Children start here: Linux sends the parent-death signal when the *thread* that forked ends, and threads
/// of the pool come and go.
final class EventThread: Sendable {
    static let shared = EventThread()

    /// How a wait ended.
    enum Outcome: Equatable, Sendable {
        case readable
        case cancelled
        case failed(Errno)
    }

    private struct Waiter {
        let descriptor: Descriptor
        let continuation: CheckedContinuation<Outcome, Never>
    }

    private struct State: Sendable {
        var nextToken: UInt64 = 1
        var waiters: [UInt64: Waiter] = [:]
        var cancelledEarly: Set<UInt64> = []
        var jobs: [@Sendable () -> Void] = []
    }

    private static let jobToken: UInt64 = 0

    private let state = Mutex(State())
    private let epoll: Descriptor
    private let jobBell: Descriptor

    private init() {
        let (epollNumber, bellNumber) = (epoll_create1(Int32(EPOLL_CLOEXEC)), linux_eventfd())
        precondition(epollNumber >= 0 && bellNumber >= 0, "no descriptors left to start with: \(Errno.last)")
        epoll = Descriptor(owning: epollNumber)
        jobBell = Descriptor(owning: bellNumber)
        let bellError = register(jobBell, token: Self.jobToken, flags: EPOLLIN.rawValue)
        precondition(bellError == nil, "epoll refused an eventfd: \(String(describing: bellError))")
        startThread(stackSize: 256 << 10) { [self] in run() }
    }

    /// Suspends until there is something to read, the other end has closed, or the task is cancelled.
    /// One waiter per descriptor at a time; a second one fails with `EEXIST`.
    func readable(_ descriptor: Descriptor, isCancellable: Bool = true) async -> Outcome {
        let token = state.withLock { state in
            defer { state.nextToken += 1 }
            return state.nextToken
        }
        guard isCancellable else { return await wait(for: descriptor, token: token) }
        defer { _ = state.withLock { $0.cancelledEarly.remove(token) } }
        return await withTaskCancellationHandler {
            await wait(for: descriptor, token: token)
        } onCancel: {
            let waiter = state.withLock { state in
                if state.waiters[token] == nil { state.cancelledEarly.insert(token) }
                return state.waiters.removeValue(forKey: token)
            }
            if let waiter { finish(waiter, .cancelled) }
        }
    }

    /// Runs a short job on this thread and hands back what it returned.
    func perform<Result: Sendable>(_ job: @escaping @Sendable () -> Result) async -> Result {
        await withCheckedContinuation { continuation in
            state.withLock { $0.jobs.append { continuation.resume(returning: job()) } }
            var one: UInt64 = 1
            // Can only fail when the bell has rung 2^64 times unheard, and then it is ringing.
            _ = write(jobBell.number, &one, MemoryLayout<UInt64>.size)
        }
    }

    private func wait(for descriptor: Descriptor, token: UInt64) async -> Outcome {
        await withCheckedContinuation { continuation in
            begin(Waiter(descriptor: descriptor, continuation: continuation), token: token)
        }
    }

    private func begin(_ waiter: Waiter, token: UInt64) {
        let isCancelled = state.withLock { state in
            guard state.cancelledEarly.remove(token) == nil else { return true }
            state.waiters[token] = waiter
            return false
        }
        guard !isCancelled else { return waiter.continuation.resume(returning: .cancelled) }
        let flags = EPOLLIN.rawValue | EPOLLRDHUP.rawValue | EPOLLONESHOT.rawValue
        guard let error = register(waiter.descriptor, token: token, flags: flags) else { return }
        // A cancellation may have been faster; then it has resumed the task.
        if state.withLock({ $0.waiters.removeValue(forKey: token) }) != nil {
            waiter.continuation.resume(returning: .failed(error))
        }
    }

    private func register(_ descriptor: Descriptor, token: UInt64, flags: UInt32) -> Errno? {
        var event = epoll_event(events: flags, data: epoll_data_t(u64: token))
        return epoll_ctl(epoll.number, EPOLL_CTL_ADD, descriptor.number, &event) == 0 ? nil : .last
    }

    private func finish(_ waiter: Waiter, _ outcome: Outcome) {
        var unused = epoll_event()
        _ = epoll_ctl(epoll.number, EPOLL_CTL_DEL, waiter.descriptor.number, &unused)
        waiter.continuation.resume(returning: outcome)
    }

    private func run() {
        var events = [epoll_event](repeating: epoll_event(), count: 64)
        while true {
            let count = Int(epoll_wait(epoll.number, &events, Int32(events.count), -1))
            guard count > 0 else { continue }
            for event in events[..<count] {
                if event.data.u64 == Self.jobToken {
                    runJobs()
                } else if let waiter = state.withLock({ $0.waiters.removeValue(forKey: event.data.u64) }) {
                    finish(waiter, .readable)
                }
            }
        }
    }

    private func runJobs() {
        var count: UInt64 = 0
        _ = read(jobBell.number, &count, MemoryLayout<UInt64>.size)
        let jobs = state.withLock { state in
            defer { state.jobs = [] }
            return state.jobs
        }
        for job in jobs { job() }
    }
}
