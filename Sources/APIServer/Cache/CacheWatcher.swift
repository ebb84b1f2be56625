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
        /// Changes up to this revision are none of this watch's: they are known, or were not asked for.
        var floor: Revision = 0
        var isCutOff = false
        var isEnded = false
    }

    private let filter: ObjectFilter
    private let limits: Limits
    private let wake: @Sendable () -> Void
    private let state = Mutex(State())

    /// `wake` is called, from any thread, when events wait where none did, or when the watch was cut off. It must return
    /// at once; the consumer then calls ``take()``.
    init(filter: ObjectFilter, limits: Limits = Limits(), wake: @escaping @Sendable () -> Void) {
        self.filter = filter
        self.limits = limits
        self.wake = wake
    }

    /// What waits, in order. `nil` when the watch was cut off and everything before was taken.
    func take() -> [SelectedEvent]? {
        state.withLock { state in
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

    /// Takes the present objects as additions, and of the changes that are delivered from now on those after `revision`,
    /// which is theirs.
    func begin(withPresent objects: [StoredObject], at revision: Revision) {
        let present = objects.lazy.filter(filter.includes)
        begin(with: present.map { CacheChange(old: nil, new: $0, revision: $0.revision) }, after: revision)
    }

    /// Takes the changes that came before the watch began, and of those that are delivered from now on only the ones
    /// after `floor`. What it takes here is not bounded: it is what a list would return.
    func begin(with changes: [CacheChange], after floor: Revision) {
        let events = changes.compactMap(filter.event)
        state.withLock { state in
            state.floor = floor
            state.pending += events
        }
        if !events.isEmpty { wake() }
    }

    /// Takes a change. Returns whether the watch is about it.
    @discardableResult
    func deliver(_ change: CacheChange) -> Bool {
        guard let event = filter.event(for: change) else { return false }
        let mustWake = state.withLock { state in
            guard change.revision > state.floor, !state.isCutOff, !state.isEnded else { return false }
            let wasEmpty = state.pending.isEmpty
            state.pending.append(event)
            state.pendingBytes += event.object.bytes.count
            state.isCutOff = state.pending.count > limits.pendingEvents || state.pendingBytes > limits.pendingBytes
            return wasEmpty || state.isCutOff
        }
        if mustWake { wake() }
        return true
    }
}

/// Which objects a list or watch is about.
struct ObjectFilter: Sendable {
    /// `nil` for all namespaces.
    var namespace: String?
    var name: String?
    /// `nil` when every object matches.
    var matches: (@Sendable (StoredObject) -> Bool)?
    /// What is asked of objects as their clients see them, when the log has them in another form; `nil` for nothing. Who
    /// shows them asks: ``includes(_:)`` does not.
    var matchesShown: (@Sendable (StoredObject) -> Bool)?

    func includes(_ object: StoredObject) -> Bool {
        if let namespace, object.namespace != namespace { return false }
        if let name, object.name != name { return false }
        return matches?(object) ?? true
    }

    /// What a change means to those who see only matching objects: one that begins to match is added, one that ceases
    /// to match is deleted (API conventions, "Watch").
    func event(for change: CacheChange) -> SelectedEvent? {
        let old = change.old.flatMap { includes($0) ? $0 : nil }
        let new = change.new.flatMap { includes($0) ? $0 : nil }
        switch (old, new) {
        case (nil, nil): return nil
        case (nil, let new?): return SelectedEvent(.added, new, change)
        case (let old?, let new?):
            return SelectedEvent(.modified, new, change, before: matchesShown == nil ? nil : old)
        case (let old?, nil): return SelectedEvent(.deleted, old, change)
        }
    }
}
