import Synchronization

/// Why a stream of bytes cannot go on.
public enum ByteStreamError: Error, Hashable, Sendable {
    /// This side closed the stream, or ended the direction that it wants to write in.
    case closed
    /// The peer closed or reset the stream, and does not take what is written.
    case closedByPeer
    /// The connection below the stream was lost.
    case connectionLost
}

/// One direction of bytes within this process, with a bound. One task writes, one task reads.
final class BytePipe: Sendable {
    private enum End {
        case no
        case finished((any Error)?)
        case abandoned
    }

    private struct State {
        var bytes: [UInt8] = []
        var end = End.no
    }

    private let capacity: Int
    private let state = Mutex(State())
    private let readable = Signal()
    private let writable = Signal()

    /// Holds up to `capacity` bytes, and the one write that goes beyond it.
    init(capacity: Int) { self.capacity = capacity }

    /// Waits for room and hands the bytes over.
    func write(_ bytes: [UInt8]) async throws {
        while try !offer(bytes) { try await writable.wait() }
    }

    /// Hands the bytes over if there is room. Throws when nobody will read them.
    func offer(_ bytes: [UInt8]) throws(ByteStreamError) -> Bool {
        let isTaken = try state.withLock { state throws(ByteStreamError) in
            switch state.end {
            case .finished: throw .closed
            case .abandoned: throw .closedByPeer
            case .no: break
            }
            guard state.bytes.count < capacity || bytes.isEmpty else { return false }
            state.bytes += bytes
            return true
        }
        if isTaken { readable.raise() }
        return isTaken
    }

    /// Waits for bytes and takes all there are. After the end, `nil` or the error it came with.
    func read() async throws -> [UInt8]? {
        while true {
            let bytes: [UInt8]?? = try state.withLock { state in
                if !state.bytes.isEmpty {
                    defer { state.bytes = [] }
                    return .some(state.bytes)
                }
                switch state.end {
                case .no: return .none
                case .abandoned: throw ByteStreamError.closed
                case .finished(let error):
                    if let error { throw error }
                    return .some(nil)
                }
            }
            if let bytes {
                writable.raise()
                return bytes
            }
            try await readable.wait()
        }
    }

    /// The writer's end: what was written is still read, then `nil` or the error.
    func finish(throwing error: (any Error)? = nil) {
        state.withLock { state in
            if case .no = state.end { state.end = .finished(error) }
        }
        readable.raise()
        writable.raise()
    }

    /// The reader's end: nothing is read any more, writing fails. Returns how many bytes are dropped unread.
    @discardableResult
    func abandon() -> Int {
        let dropped = state.withLock { state in
            defer { state = State(end: .abandoned) }
            return state.bytes.count
        }
        readable.raise()
        writable.raise()
        return dropped
    }
}
