import APIMachinery
import Client
import Datastore
import Synchronization

/// One watch: the changes that match its filter wait here, in order, until its consumer takes them.
///
/// The waiting room is bounded. A consumer that does not keep up is cut off, and watches again from where it was: the
/// server's memory does not depend on its slowest client.
final class CacheWatcher: Sendable {
    struct Limits: Sendable {
        var pendingEvents = 4096
        var pendingBytes = 8 << 20
    }

    private struct State {
        var pending: [SelectedEvent] = []
        var pendingBytes = 0
        /// What came before the watch is not here yet.
        var isOpening = false
        /// Changes up to this revision are none of this watch's: they are known, or were not asked for.
        var floor: Revision = 0
        var isCutOff = false
        var isEnded = false
    }

    let filter: ObjectFilter
    /// What one field of everything that it is about is, if there is such a field.
    let place: WatcherTable.Place?
    private let limits: Limits
    private let wake: @Sendable () -> Void
    private let state = Mutex(State())

    /// `wake` is called, from any thread, when events wait where none did, or when the watch was cut off. It must return
    /// at once; the consumer then calls ``take()``.
    init(filter: ObjectFilter, limits: Limits = Limits(), wake: @escaping @Sendable () -> Void) {
        self.filter = filter
        place = filter.place
        self.limits = limits
        self.wake = wake
    }

    /// What waits, in order. `nil` when the watch was cut off and everything before was taken.
    func take() -> [SelectedEvent]? {
        state.withLock { state in
            if state.isOpening { return [] }
            if state.pending.isEmpty, state.isCutOff || state.isEnded { return nil }
            let events = state.pending
            state.pending = []
            state.pendingBytes = 0
            return events
        }
    }

    /// Whether more came than may wait. What waits is still to be taken.
    var isCutOff: Bool { state.withLock { $0.isCutOff } }

    /// The watch shall end after what waits now.
    func end() {
        state.withLock { $0.isEnded = true }
        wake()
    }

    /// From now on changes after `floor` wait, though none can be taken before the watch has begun with what came
    /// earlier.
    func open(after floor: Revision) {
        state.withLock { state in
            state.floor = floor
            state.isOpening = true
        }
    }

    /// Takes the present objects as additions.
    func begin(withPresent objects: [StoredObject]) {
        begin(with: objects.filter(filter.includes).map(SelectedEvent.init(present:)))
    }

    /// Takes the changes that came before the watch was opened.
    func begin(with changes: [CacheChange]) { begin(with: changes.compactMap(filter.event)) }

    /// What it begins with is not bounded: it is what a list would return.
    private func begin(with events: [SelectedEvent]) {
        let mustWake = state.withLock { state in
            state.pending = events + state.pending
            state.isOpening = false
            return !state.pending.isEmpty || state.isCutOff || state.isEnded
        }
        if mustWake { wake() }
    }

    /// Takes a change, if the watch is about it.
    func deliver(_ change: CacheChange) {
        guard let event = filter.event(for: change) else { return }
        let mustWake = state.withLock { state in
            guard change.revision > state.floor, !state.isCutOff, !state.isEnded else { return false }
            let wasEmpty = state.pending.isEmpty
            state.pending.append(event)
            state.pendingBytes += event.object.bytes.count
            state.isCutOff = state.pending.count > limits.pendingEvents || state.pendingBytes > limits.pendingBytes
            return !state.isOpening && (wasEmpty || state.isCutOff)
        }
        if mustWake { wake() }
    }
}
