import APIMachinery
import Client
import Synchronization
import Wire

/// Carries the events of one watch from the cache to the socket, in order and at the client's pace, whoever brings them.
///
/// Whoever changes an object calls ``wake()`` and writes the event to the socket's queue himself. While the client is
/// behind, events stay where they are: what a watch begins with in its backlog, by reference to the cache; what comes
/// later in the ``CacheWatcher``, which has bounds.
final class WatchResponse: BookmarkReceiver {
    /// Bytes that the writer takes at most: more than the largest event, so that each is taken when little waits.
    static let held = 8 << 20
    /// With so many bytes on their way to the socket the client is behind,
    private static let full = 256 << 10
    /// and no longer with so many.
    private static let room = 64 << 10

    private struct State {
        var source: CacheWatcher?
        var writer: HTTPBodyWriter?
        /// What was taken from the source, and how much of it was sent.
        var backlog: [SelectedEvent] = []
        var sent = 0
        /// The revision of the newest event or bookmark that was sent.
        var newest: Int64 = 0
        var hasSent = false
        var owesMark: Bool
        /// What the watch began with was taken from the source,
        var hasTaken = false
        /// and sent.
        var hasBegun = false
        /// Waits for the socket to take what was written.
        var isPaused = false
    }

    /// What there is to do once the state is left: each of these may call back at once.
    private enum Step {
        case wait
        case resume(HTTPBodyWriter)
        case finish(HTTPBodyWriter)
        case abort(HTTPBodyWriter)
    }

    private let encoder: WatchEncoder
    private let log: ObjectLog
    /// The seat that the watch has until it has begun.
    private let opening: WatchOpening?
    /// Held while events are handed over, which never blocks: two deliveries must not overtake each other.
    private let state: Mutex<State>
    /// Apart from the state, because the exchange may end within a call that the state is held for.
    private let isStopped = Atomic(false)

    /// With `marksInitialEvents` a bookmark tells when all that was there in the beginning has been sent (KEP-3157).
    init(_ encoder: WatchEncoder, _ log: ObjectLog, marksInitialEvents: Bool, opening: WatchOpening? = nil) {
        self.encoder = encoder
        self.log = log
        self.opening = opening
        state = Mutex(State(owesMark: marksInitialEvents))
    }

    func begin(_ source: CacheWatcher, _ writer: HTTPBodyWriter) {
        state.withLock { state in
            state.source = source
            state.writer = writer
        }
        wake()
    }

    /// Nothing more is sent.
    func stop() { isStopped.store(true, ordering: .relaxed) }

    /// Ends the watch: in good order, or, when the client is behind, in a way that shows that something is missing.
    func finish(withBookmark sendsBookmark: Bool) {
        act { state in
            guard let writer = state.writer else { return .wait }
            let revision = log.revision
            switch advance(&state) {
            case .wait where !state.isPaused:
                let failure = sendsBookmark ? mark(revision, endsInitialEvents: false, &state) : nil
                return failure ?? .finish(writer)
            case .wait, .resume: return .abort(writer)
            case let end: return end
            }
        }
    }

    func bookmark() {
        act { state in
            let revision = log.revision
            let step = advance(&state)
            // To one that is behind, what it is sent next says more.
            guard case .wait = step, state.writer != nil, !state.isPaused, revision > state.newest else { return step }
            return mark(revision, endsInitialEvents: false, &state) ?? .wait
        }
    }

    /// Events wait. Called from any thread.
    func wake() { act { advance(&$0) } }

    /// Decides under the lock, acts outside.
    private func act(_ decide: (inout State) -> Step) {
        let (step, hasBegun) = state.withLock { state in
            let hadBegun = state.hasBegun
            let step = decide(&state)
            return (step, state.hasBegun && !hadBegun)
        }
        if hasBegun { opening?.end() }
        take(step)
    }

    private func take(_ step: Step) {
        guard !isStopped.load(ordering: .relaxed) else { return }
        switch step {
        case .wait: return
        case .resume(let writer):
            writer.whenDrained(to: Self.room) { [weak self] isOpen in
                guard isOpen, let self else { return }
                state.withLock { $0.isPaused = false }
                wake()
            }
        case .finish(let writer):
            stop()
            writer.finish()
        case .abort(let writer):
            // Too slow, or gone: the client watches again from the last event that it saw.
            stop()
            writer.abort()
        }
    }

    /// Sends what waits for as long as the client keeps up.
    private func advance(_ state: inout State) -> Step {
        guard !isStopped.load(ordering: .relaxed), let source = state.source, let writer = state.writer else { return .wait }
        if state.isPaused { return source.isCutOff ? .abort(writer) : .wait }
        while true {
            while state.sent < state.backlog.count {
                if writer.pendingBytes > Self.full {
                    state.isPaused = true
                    return .resume(writer)
                }
                let event = state.backlog[state.sent]
                state.sent += 1
                if let step = send(encoder.encode(event, isFirst: !state.hasSent), &state) { return step }
                state.newest = max(state.newest, event.revision)
            }
            (state.backlog, state.sent) = ([], 0)
            state.hasBegun = state.hasTaken
            // Read before what waits: the changes up to it were handed to every watch by then.
            let revision = log.revision
            guard let events = source.take() else { return .finish(writer) }
            state.backlog = events
            state.hasTaken = true
            if !events.isEmpty { continue }
            state.hasBegun = true
            guard state.owesMark else { return .wait }
            state.owesMark = false
            return mark(revision, endsInitialEvents: true, &state) ?? .wait
        }
    }

    /// Tells that all changes up to a revision were sent: the one that the log tells, or that of a change which was sent
    /// a moment before the log tells it.
    private func mark(_ revision: Int64, endsInitialEvents: Bool, _ state: inout State) -> Step? {
        let revision = max(revision, state.newest)
        state.newest = revision
        return send(
            encoder.bookmark(revision, endsInitialEvents: endsInitialEvents, isFirst: !state.hasSent), &state)
    }

    private func send(_ frame: [UInt8], _ state: inout State) -> Step? {
        state.hasSent = true
        encoder.note(frame)
        guard let writer = state.writer, writer.write(frame) != .accepted else { return nil }
        return .abort(writer)
    }
}
