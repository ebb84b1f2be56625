import DequeModule
import HeapModule

/// Decides which key is worked on next, by whom, and when a failed one is tried again.
///
/// A pure value: it is fed what happened and the present instant. It promises what every reconcile loop stands on
/// (client-go's work queue sets the same rules):
///
/// - a key that is added many times before it is taken is worked on once;
/// - no key is worked on by two workers at once: one that is added while in work is given out again when that is done;
/// - a failed key waits, longer after each failure, and forgets its failures when it succeeds.
///
/// Its size is bounded by the number of distinct keys.
public struct KeyedQueue<Key: Hashable & Sendable>: Sendable {
    /// How long a failed key waits: the first failure `first`, doubling up to `most`.
    public struct BackOff: Hashable, Sendable {
        public var first: Duration
        public var most: Duration

        public init(first: Duration = .milliseconds(5), most: Duration = .seconds(60)) {
            precondition(first > .zero && first <= most, "a back-off grows from a positive start")
            self.first = first
            self.most = most
        }

        func delay(afterFailures failures: Int) -> Duration {
            var delay = first
            for _ in 1..<max(failures, 1) {
                delay = delay + delay
                if delay >= most { return most }
            }
            return delay
        }
    }

    private struct State {
        var isReady = false
        var isInWork = false
        /// When a waiting key becomes ready; the earliest wish counts.
        var due: Duration?
        var failures = 0
        /// When it was last asked for.
        var wantedSince = Duration.zero

        var isIdle: Bool { !isReady && !isInWork && due == nil && failures == 0 }
    }

    /// A wish for a later instant. It is void when the key's state says another instant, or none, by now.
    private struct Wish: Comparable {
        var due: Duration
        var key: Key

        static func < (a: Wish, b: Wish) -> Bool { a.due < b.due }
    }

    private let backOff: BackOff
    private var states: [Key: State] = [:]
    private var ready: Deque<Key> = []
    private var wishes: Heap<Wish> = []

    public init(backOff: BackOff = BackOff()) { self.backOff = backOff }

    /// The instant at which a waiting key may become ready; `nil` when none waits.
    public var nextDue: Duration? { wishes.min?.due }

    /// Keys that can be taken now.
    public var readyCount: Int { ready.count }

    /// How often a key began to wait for a worker.
    public private(set) var adds = 0

    /// The key shall be worked on as soon as a worker is free. `now` serves ``wantedSince(_:)`` alone.
    public mutating func add(_ key: Key, now: Duration = .zero) {
        var state = states[key] ?? State()
        state.due = nil
        if !state.isReady {
            state.isReady = true
            state.wantedSince = now
            adds += 1
            if !state.isInWork { ready.append(key) }
        }
        states[key] = state
    }

    /// The key shall be worked on at `due`, or earlier if something else asks for it.
    public mutating func add(_ key: Key, at due: Duration) {
        var state = states[key] ?? State()
        guard !state.isReady else { return }
        wait(&state, key, until: due)
        states[key] = state
    }

    /// Time has passed: keys whose instant has come become ready.
    public mutating func advance(to now: Duration) {
        while let wish = wishes.min {
            let isVoid = states[wish.key]?.due != wish.due
            // One that was overtaken wakes nobody any more.
            guard isVoid || wish.due <= now else { return }
            wishes.removeMin()
            if !isVoid { add(wish.key, now: now) }
        }
    }

    /// The next key to work on; the caller answers with ``succeeded(_:)`` or ``failed(_:at:)``.
    public mutating func take() -> Key? {
        guard let key = ready.popFirst() else { return nil }
        states[key]?.isReady = false
        states[key]?.isInWork = true
        return key
    }

    /// Since when a key that was just taken had been waiting.
    public func wantedSince(_ key: Key) -> Duration { states[key]?.wantedSince ?? .zero }

    /// The work is done.
    public mutating func succeeded(_ key: Key) {
        var state = finish(key)
        state.failures = 0
        store(state, of: key)
    }

    /// The work failed; the key waits and is tried again.
    public mutating func failed(_ key: Key, at now: Duration) {
        var state = finish(key)
        state.failures += 1
        if !state.isReady { wait(&state, key, until: now + backOff.delay(afterFailures: state.failures)) }
        store(state, of: key)
    }

    private func finish(_ key: Key) -> State {
        guard var state = states[key], state.isInWork else {
            preconditionFailure("only a key that was taken can be finished")
        }
        state.isInWork = false
        return state
    }

    private mutating func store(_ state: State, of key: Key) {
        if state.isReady { ready.append(key) }
        states[key] = state.isIdle ? nil : state
    }

    private mutating func wait(_ state: inout State, _ key: Key, until due: Duration) {
        if let earlier = state.due, earlier <= due { return }
        state.due = due
        dropVoidWishes()
        wishes.insert(Wish(due: due, key: key))
    }

    /// Sorts the void wishes out when they are most of all: a key that is worked on often, and each time put off for
    /// long, would else leave one behind each time.
    private mutating func dropVoidWishes() {
        guard wishes.count > 2 * states.count + Self.toleratedVoidWishes else { return }
        wishes = Heap(states.compactMap { key, state in state.due.map { Wish(due: $0, key: key) } })
    }

    private static var toleratedVoidWishes: Int { 16 }

    /// What is remembered, for tests of its bound.
    var size: Int { states.count + ready.count + wishes.count }
}
