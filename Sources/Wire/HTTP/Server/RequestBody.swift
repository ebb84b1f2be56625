import NIOCore

/// What happens with the body of one request. Pure: it is told what came and what the handler wants, and
/// returns what the connection must do.
///
/// A body that was cut short is never given out as complete: only ``ended()`` makes a success.
struct RequestBody {
    /// What the connection must do next.
    enum Action: Equatable {
        case none
        /// Stop reading from the socket until the handler decides.
        case pause
        /// Read on.
        case resume
        /// Give the collected body to the handler.
        case collected(Result<[UInt8], HTTPBodyError>)
        /// Hand the bytes that were just received to the reader.
        case forward
        /// Tell the reader that the body is complete.
        case forwardEnd
        /// Tell the reader that it never will be.
        case forwardFailure(HTTPBodyError)
        /// Too much to drop: end the connection instead of reading on.
        case giveUp
    }

    private enum Mode {
        case undecided
        case collecting(limit: Int)
        case streaming
        case discarding(left: Int)
        case taken
    }

    private enum Progress {
        case open, complete
        case failed(HTTPBodyError)
    }

    private var mode = Mode.undecided
    private var progress: Progress
    private var buffered: [UInt8] = []
    private let declaredLength: Int?
    private let heldLimit: Int

    /// The body of a request that has one, of the declared length if it declares one.
    init(declaredLength: Int?, heldLimit: Int) {
        self.progress = .open
        self.declaredLength = declaredLength
        self.heldLimit = heldLimit
    }

    /// The body of a request that has none.
    static let empty = RequestBody(progress: .complete)

    private init(progress: Progress) {
        self.progress = progress
        (declaredLength, heldLimit) = (nil, 0)
    }

    /// Whether no more bytes can come.
    var isOver: Bool { if case .open = progress { false } else { true } }
    /// Whether the handler waits for bytes that have not come.
    var isWanted: Bool {
        switch (mode, progress) {
        case (.collecting, .open), (.streaming, .open): true
        default: false
        }
    }

    var isCollecting: Bool { if case .collecting = mode { true } else { false } }

    mutating func received(_ bytes: ByteBufferView) -> Action {
        guard case .open = progress else { return .none }
        switch mode {
        case .undecided:
            buffered.append(contentsOf: bytes)
            return buffered.count >= heldLimit ? .pause : .none
        case .collecting(let limit):
            guard buffered.count + bytes.count <= limit else { return refuse(limit) }
            buffered.append(contentsOf: bytes)
            return .none
        case .streaming: return .forward
        case .discarding(let left):
            mode = .discarding(left: left - bytes.count)
            return left < bytes.count ? .giveUp : .none
        case .taken: return .none
        }
    }

    mutating func ended() -> Action {
        guard case .open = progress else { return .none }
        progress = .complete
        switch mode {
        case .collecting: return .collected(.success(take()))
        case .streaming: return .forwardEnd
        case .undecided, .discarding, .taken: return .none
        }
    }

    mutating func failed(_ error: HTTPBodyError) -> Action {
        guard case .open = progress else { return .none }
        progress = .failed(error)
        switch mode {
        case .collecting:
            _ = take()
            return .collected(.failure(error))
        case .streaming: return .forwardFailure(error)
        case .undecided, .discarding, .taken: return .none
        }
    }

    /// The handler wants the whole body, but no more than `limit` bytes.
    mutating func collect(limit: Int) -> Action {
        guard case .undecided = mode else { return .collected(.failure(.alreadyTaken)) }
        guard max(buffered.count, declaredLength ?? 0) <= limit else { return refuse(limit) }
        switch progress {
        case .complete: return .collected(.success(take()))
        case .failed(let error):
            mode = .taken
            return .collected(.failure(error))
        case .open:
            mode = .collecting(limit: limit)
            // A client that only promises bytes must not make us set memory aside for all of them.
            if let declaredLength { buffered.reserveCapacity(min(declaredLength, 256 << 10)) }
            return .resume
        }
    }

    /// The handler wants the body as it comes. Returns what has come already and what follows it; `nil` when
    /// it was asked for before.
    mutating func stream() -> (bytes: [UInt8], then: Action)? {
        guard case .undecided = mode else { return nil }
        let bytes = take()
        switch progress {
        case .open:
            mode = .streaming
            return (bytes, .resume)
        case .complete: return (bytes, .forwardEnd)
        case .failed(let error): return (bytes, .forwardFailure(error))
        }
    }

    /// The response is complete and nobody will read the rest: drop up to that many bytes.
    mutating func discard(limit: Int) -> Action {
        guard case .open = progress else { return .none }
        defer {
            mode = .discarding(left: limit)
            buffered = []
        }
        switch mode {
        case .streaming: return .forwardFailure(.cutShort)
        case .collecting: return .collected(.failure(.alreadyTaken))
        case .undecided, .discarding, .taken: return .resume
        }
    }

    private mutating func take() -> [UInt8] {
        mode = .taken
        defer { buffered = [] }
        return buffered
    }

    private mutating func refuse(_ limit: Int) -> Action {
        _ = take()
        return .collected(.failure(.tooLarge(limit: limit)))
    }
}
