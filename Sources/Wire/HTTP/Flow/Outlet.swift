import NIOCore
import Synchronization

/// Where an ``Outlet`` sends its batches: one response, request body or raw connection. Called on its event
/// loop only.
protocol OutletSink: AnyObject {
    /// Sends one batch, and the end after it if it is the last. The promise is kept when the socket took the
    /// bytes.
    func send(_ chunks: [ArraySlice<UInt8>], count: Int, isLast: Bool, promise: EventLoopPromise<Void>)
    /// The socket did not take a batch at once.
    func batchIsHeldUp()
    /// The socket took the batch.
    func batchWasTaken()
}

extension OutletSink {
    func batchIsHeldUp() {}
    func batchWasTaken() {}
}

/// Bytes on their way from any thread to a socket: an ``OutletQueue`` with an event loop to drain it.
final class Outlet: Sendable {
    private struct Waiter {
        var id: UInt64
        var threshold: Int
        var wake: @Sendable (_ isOpen: Bool) -> Void
    }

    private struct State {
        var queue: OutletQueue
        var waiters: [Waiter] = []
        var lastWaiter: UInt64 = 0
        var isDraining = false
    }

    /// After so many batches without a wait the other connections of the loop have their turn: 512 KiB, which take
    /// less than a millisecond to encrypt.
    private static let batchesPerTurn = 8

    private let state: Mutex<State>
    private let loop: any EventLoop
    private let sink: NIOLoopBoundBox<(any OutletSink)?>

    /// Bytes may be written from now on; they wait until ``attach(_:)``.
    init(limit: Int, loop: any EventLoop) {
        self.state = Mutex(State(queue: OutletQueue(limit: limit)))
        self.loop = loop
        self.sink = .makeEmptyBox(valueType: (any OutletSink).self, eventLoop: loop)
    }

    /// Begins to send. On the loop.
    func attach(_ sink: any OutletSink) {
        self.sink.value = sink
        drain()
    }

    var pending: Int { state.withLock { $0.queue.pending } }

    func write(_ bytes: ArraySlice<UInt8>) -> HTTPWriteOutcome {
        switch state.withLock({ $0.queue.write(bytes) }) {
        case .accepted(let mustSchedule):
            if mustSchedule { loop.execute { self.drain() } }
            return .accepted
        case .full: return .full
        case .closed: return .closed
        }
    }

    func finish() {
        if state.withLock({ $0.queue.finish() }) { loop.execute { self.drain() } }
    }

    /// The stream is gone. Everybody who waits is woken. On the loop.
    func close() {
        sink.value = nil
        let woken = state.withLock { state -> [Waiter] in
            state.queue.close()
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in woken { waiter.wake(false) }
    }

    /// Calls once when no more than that many bytes are held back (`true`), or the stream is gone (`false`).
    /// At once if that is so already.
    @discardableResult
    func whenDrained(to threshold: Int, _ wake: @escaping @Sendable (_ isOpen: Bool) -> Void) -> UInt64 {
        let (id, now) = state.withLock { state -> (UInt64, Bool?) in
            if state.queue.isClosed { return (0, false) }
            if state.queue.pending <= threshold { return (0, true) }
            state.lastWaiter += 1
            state.waiters.append(Waiter(id: state.lastWaiter, threshold: threshold, wake: wake))
            return (state.lastWaiter, nil)
        }
        if let now { wake(now) }
        return id
    }

    /// Waits until no more than that many bytes are held back. `false` when the stream is gone.
    func drained(to threshold: Int) async throws -> Bool {
        let waiterID = Mutex<UInt64>(0)
        let isOpen = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let id = whenDrained(to: threshold) { continuation.resume(returning: $0) }
                waiterID.withLock { $0 = id }
                if Task.isCancelled { self.wake(id) }
            }
        } onCancel: {
            wake(waiterID.withLock { $0 })
        }
        try Task.checkCancellation()
        return isOpen
    }

    private func wake(_ id: UInt64) {
        let waiter = state.withLock { state in
            state.waiters.firstIndex { $0.id == id }.map { state.waiters.remove(at: $0) }
        }
        waiter?.wake(true)
    }

    /// Sends batch after batch for as long as the socket takes each at once, up to ``batchesPerTurn``. A loop and not
    /// a recursion, because a long body on a fast socket would otherwise nest as deep as it has batches.
    private func drain() {
        guard
            state.withLock({ state in
                defer { state.isDraining = true }
                return !state.isDraining
            })
        else { return }
        var left = Self.batchesPerTurn
        while left > 0, let sink = sink.value, let batch = state.withLock({ $0.queue.next() }) {
            left -= 1
            let promise = loop.makePromise(of: Void.self)
            promise.futureResult.assumeIsolated().whenComplete { result in
                if case .success = result { self.sent() } else { self.close() }
            }
            sink.send(batch.chunks, count: batch.count, isLast: batch.isLast, promise: promise)
            if state.withLock(\.queue.isHeldUp) { sink.batchIsHeldUp() }
        }
        guard left == 0 else { return state.withLock { $0.isDraining = false } }
        loop.scheduleTask(in: HTTPExchange.pauseLength) {
            self.state.withLock { $0.isDraining = false }
            self.drain()
        }
    }

    private func sent() {
        let (woken, mustDrain) = state.withLock { state -> ([Waiter], Bool) in
            state.queue.sent()
            let pending = state.queue.pending
            let woken = state.waiters.filter { pending <= $0.threshold }
            if !woken.isEmpty { state.waiters.removeAll { pending <= $0.threshold } }
            return (woken, !state.isDraining)
        }
        sink.value?.batchWasTaken()
        for waiter in woken { waiter.wake(true) }
        if mustDrain { drain() }
    }
}
