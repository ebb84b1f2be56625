import NIOCore
import Synchronization

/// Bytes on their way from an event loop to the one task that reads them.
///
/// The loop pushes, the task takes everything there is at once. When more than ``highWater`` bytes wait, the
/// loop is told to stop reading from its socket; it is told to go on when the task has taken them. So a
/// reader that does not read costs at most the high-water mark and one read from the socket.
final class Inlet: Sendable {
    /// How the bytes ended.
    enum End: Sendable {
        case finished
        case failed(any Error)
    }

    private enum Waiter {
        case none
        case waiting(CheckedContinuation<[UInt8]?, any Error>)
        case cancelled
    }

    private struct State {
        var buffered: [UInt8] = []
        var end: End?
        var waiter = Waiter.none
        var isPaused = false
    }

    private let state: Mutex<State>
    private let highWater: Int
    private let resume: @Sendable () -> Void

    /// `resume` may be called on any thread; it makes the loop read again.
    init(highWater: Int = 128 << 10, resume: @escaping @Sendable () -> Void) {
        self.state = Mutex(State())
        self.highWater = highWater
        self.resume = resume
    }

    /// Hands bytes over. `true` asks the loop to stop reading until `resume` is called.
    func push(_ bytes: ByteBufferView) -> Bool {
        guard !bytes.isEmpty else { return false }
        let (waiter, mustPause) = state.withLock {
            state -> (CheckedContinuation<[UInt8]?, any Error>?, Bool) in
            guard state.end == nil else { return (nil, false) }
            if case .waiting(let continuation) = state.waiter {
                state.waiter = .none
                return (continuation, false)
            }
            state.buffered.append(contentsOf: bytes)
            state.isPaused = state.buffered.count >= highWater
            return (nil, state.isPaused)
        }
        waiter?.resume(returning: Array(bytes))
        return mustPause
    }

    /// Ends the bytes. Only the first end counts.
    func end(_ end: End) {
        let waiter = state.withLock { state -> CheckedContinuation<[UInt8]?, any Error>? in
            guard state.end == nil else { return nil }
            state.end = end
            guard case .waiting(let continuation) = state.waiter else { return nil }
            state.waiter = .none
            return continuation
        }
        switch end {
        case .finished: waiter?.resume(returning: nil)
        case .failed(let error): waiter?.resume(throwing: error)
        }
    }

    /// Waits for bytes; `nil` at their end.
    func next() async throws -> [UInt8]? {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                take(continuation)
            }
        } onCancel: {
            cancel()
        }
    }

    private func take(_ continuation: CheckedContinuation<[UInt8]?, any Error>) {
        let (result, mustResume) = state.withLock { state -> (Result<[UInt8]?, any Error>?, Bool) in
            if case .cancelled = state.waiter { return (.failure(CancellationError()), false) }
            guard state.buffered.isEmpty else {
                var bytes: [UInt8] = []
                swap(&bytes, &state.buffered)
                defer { state.isPaused = false }
                return (.success(bytes), state.isPaused)
            }
            switch state.end {
            case .finished: return (.success(nil), false)
            case .failed(let error): return (.failure(error), false)
            case nil:
                guard case .none = state.waiter else {
                    preconditionFailure("two tasks read the same bytes")
                }
                state.waiter = .waiting(continuation)
                return (nil, false)
            }
        }
        if let result { continuation.resume(with: result) }
        if mustResume { resume() }
    }

    private func cancel() {
        let waiter = state.withLock { state -> CheckedContinuation<[UInt8]?, any Error>? in
            defer { state.waiter = .cancelled }
            guard case .waiting(let continuation) = state.waiter else { return nil }
            return continuation
        }
        waiter?.resume(throwing: CancellationError())
    }
}
