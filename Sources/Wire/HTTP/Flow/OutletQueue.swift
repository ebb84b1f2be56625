/// What waits to be sent on one stream, and who waits for it to be sent. Pure: it holds no loop and no
/// socket.
///
/// One batch at a time is on its way to the socket. What is written meanwhile gathers behind it and goes out
/// as the next batch, so that many small writes make few frames, and a slow peer makes big batches rather
/// than many.
struct OutletQueue {
    /// What ``write(_:)`` did with the bytes.
    enum Outcome: Equatable {
        case accepted(mustSchedule: Bool)
        case full, closed
    }

    private enum Phase { case open, finishing, finished, closed }

    /// The most bytes in one batch; a longer chunk is cut.
    static let batchLimit = 64 << 10

    private let limit: Int
    private var chunks: [ArraySlice<UInt8>] = []
    private var first = 0
    private var inFlight = 0
    private var isScheduled = false
    private var phase = Phase.open
    /// Bytes accepted and not yet taken by the socket.
    private(set) var pending = 0

    init(limit: Int) { self.limit = limit }

    var isOpen: Bool { phase == .open }
    var isClosed: Bool { phase == .closed }
    /// Whether a batch is on its way.
    var isHeldUp: Bool { inFlight > 0 }

    /// Takes the bytes unless that would hold back more than the limit; a chunk that comes when nothing is
    /// held back is taken whatever its size.
    mutating func write(_ bytes: ArraySlice<UInt8>) -> Outcome {
        guard phase == .open else { return .closed }
        guard !bytes.isEmpty else { return .accepted(mustSchedule: false) }
        guard pending == 0 || pending + bytes.count <= limit else { return .full }
        chunks.append(bytes)
        pending += bytes.count
        return .accepted(mustSchedule: schedule())
    }

    /// No more bytes will be written. `true`: have the loop call ``next()``.
    mutating func finish() -> Bool {
        guard phase == .open else { return false }
        phase = .finishing
        return schedule()
    }

    /// The stream is gone: what waits is dropped.
    mutating func close() {
        phase = .closed
        chunks = []
        (first, pending, inFlight) = (0, 0, 0)
    }

    /// The next batch to send: its chunks, and whether the end follows. `nil` when there is nothing to do
    /// now.
    mutating func next() -> (chunks: [ArraySlice<UInt8>], count: Int, isLast: Bool)? {
        isScheduled = false
        guard inFlight == 0, phase == .open || phase == .finishing else { return nil }
        var batch: [ArraySlice<UInt8>] = []
        var count = 0
        while first < chunks.count, count < Self.batchLimit {
            let room = Self.batchLimit - count
            if chunks[first].count <= room {
                batch.append(chunks[first])
                count += chunks[first].count
                chunks[first] = []
                first += 1
            } else {
                batch.append(chunks[first].prefix(room))
                chunks[first] = chunks[first].dropFirst(room)
                count += room
            }
        }
        if first == chunks.count { (chunks, first) = ([], 0) }
        let isLast = phase == .finishing && chunks.isEmpty
        guard count > 0 || isLast else { return nil }
        if isLast { phase = .finished }
        inFlight = count
        return (batch, count, isLast)
    }

    /// The batch that was on its way has been taken by the socket.
    mutating func sent() {
        pending = max(0, pending - inFlight)
        inFlight = 0
    }

    private mutating func schedule() -> Bool {
        guard !isScheduled, inFlight == 0 else { return false }
        isScheduled = true
        return true
    }
}
