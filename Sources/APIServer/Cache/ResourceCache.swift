import APIMachinery
import Client
import DequeModule
import Datastore
import Synchronization

/// All objects of one resource, held once: present versions in order of their names, and a ring of recent changes.
///
/// Readers take what they need inside one short critical section: a look-up, or a reference to the whole sorted array,
/// which stays as it was however long they keep it. The only writer is ``apply(_:)``, called in order of revision by the
/// log's delivery; it makes a change known to watchers and observers before it returns.
final class ResourceCache: Sendable {
    /// What the ring may hold. Older changes are read from the log's history.
    struct Limits: Sendable {
        var ringEvents = 512
        var ringBytes = 512 << 10
    }

    struct State {
        /// In order of namespace and name.
        var objects: [StoredObject] = []
        /// Of the objects together.
        var bytes = 0
        /// The objects of each owner, by the owner's uid, in order.
        var owned: [String: [StoredObject]] = [:]
        var index: FieldIndex?
        var ring: Deque<CacheChange> = []
        var ringBytes = 0
        /// Every change after this revision is in the ring.
        var ringFloor: Revision
        /// The revision of the newest change.
        var lastChange: Revision
        var watchers = WatcherTable()
        var observers: [CacheObserver] = []
    }

    let resource: GroupVersionResource
    private let limits: Limits
    private let state: Mutex<State>

    /// Takes the present objects as of `revision`, in any order.
    init(
        _ resource: GroupVersionResource, objects: [StoredObject], revision: Revision, limits: Limits = Limits()
    ) {
        self.resource = resource
        self.limits = limits
        var state = State(index: FieldIndex(of: resource), ringFloor: revision, lastChange: revision)
        state.objects = objects.sorted { ($0.namespace, $0.name) < ($1.namespace, $1.name) }
        state.bytes = objects.reduce(0) { $0 + $1.bytes.count }
        for object in objects {
            state.addOwned(object)
            state.index?.add(object)
        }
        self.state = Mutex(state)
    }

    // MARK: Reading

    func get(_ name: ObjectName) -> StoredObject? {
        state.withLock { state in
            let (index, isFound) = state.position(of: name)
            return isFound ? state.objects[index] : nil
        }
    }

    /// The objects of one namespace, or of all. The slice shares the cache's storage and never changes.
    func list(namespace: String?) -> ArraySlice<StoredObject> {
        state.withLock { state in
            guard let namespace else { return state.objects[...] }
            let start = state.firstIndex(notBefore: ObjectName(namespace: namespace, name: ""))
            let end = state.firstIndex(notBefore: ObjectName(namespace: namespace + "\0", name: ""))
            return state.objects[start..<end]
        }
    }

    /// The objects that a filter may include: those of its namespace, or fewer where an index knows them.
    func candidates(for filter: ObjectFilter) -> ArraySlice<StoredObject> {
        state.withLock { $0.indexed(filter)?[...] } ?? list(namespace: filter.namespace)
    }

    /// In order. The array shares the cache's storage and never changes.
    func owned(by uid: String) -> [StoredObject] { state.withLock { $0.owned[uid] ?? [] } }

    /// How much there is, for metrics.
    typealias Counts = (objects: Int, bytes: Int, watchers: Int)

    var counts: Counts {
        state.withLock { ($0.objects.count, $0.bytes, $0.watchers.count) }
    }

    /// The revision of the newest change: a list as of any later revision is the present one.
    var lastChange: Revision { state.withLock(\.lastChange) }

    /// Every change after this revision is in the ring.
    var ringFloor: Revision { state.withLock(\.ringFloor) }

    // MARK: Writing

    /// Takes one committed change. Called in order of revision, never concurrently.
    func apply(_ change: CacheChange) {
        let (watchers, observers) = state.withLock { state in
            state.replace(change)
            state.remember(change, limits)
            return (state.watchers, state.observers)
        }
        for watcher in watchers.concerned(by: change) { watcher.deliver(change) }
        for observer in observers { observer.deliver(change) }
    }

    /// Replaces objects by what `transform` makes of them, without a change that anybody is told of: the same versions in
    /// another form. One that changes meanwhile stays as it then is.
    func replaceAll(_ transform: (StoredObject) -> StoredObject) {
        for object in list(namespace: nil) {
            let new = transform(object)
            guard new !== object else { continue }
            state.withLock { state in
                let (index, isFound) = state.position(of: object.objectName)
                guard isFound, state.objects[index] === object else { return }
                state.objects[index] = new
                state.bytes += new.bytes.count - object.bytes.count
                state.removeOwned(object)
                state.addOwned(new)
            }
        }
    }

    /// Ends all watches, after what waits for them. Observers stay.
    func endWatches() {
        let watchers = state.withLock { state in
            defer { state.watchers = WatcherTable() }
            return state.watchers.all
        }
        for watcher in watchers { watcher.end() }
    }

    // MARK: Following

    /// Why a watch cannot begin.
    enum WatchRefusal: Error, Equatable {
        /// The ring does not reach back so far. Every change up to and including `floor` must come from the log.
        case beyondRing(floor: Revision)
    }

    /// Makes `watcher` see everything after `revision`, which may be one that is still to come. `prior` are older
    /// changes that came from the log, to be seen first; they may reach beyond `revision`.
    ///
    /// With `revision` `nil` the watcher first sees the present objects as additions. What comes while it selects waits.
    func add(
        _ watcher: CacheWatcher, after revision: Revision?, prior: [CacheChange] = []
    ) throws(WatchRefusal) {
        let result: Result<@Sendable () -> Void, WatchRefusal> = state.withLock { state in
            guard let revision else {
                let objects = state.indexed(watcher.filter) ?? state.objects
                watcher.open(after: state.lastChange)
                state.watchers.add(watcher)
                return .success { watcher.begin(withPresent: objects) }
            }
            guard revision >= state.ringFloor else { return .failure(.beyondRing(floor: state.ringFloor)) }
            let reached = max(revision, prior.last?.revision ?? 0)
            let recent = state.ring.filter { $0.revision > reached }
            watcher.open(after: reached)
            state.watchers.add(watcher)
            return .success { watcher.begin(with: prior + recent) }
        }
        // What is selected may take a look into every object: nobody else waits for that.
        let begin = try result.get()
        begin()
    }

    func remove(_ watcher: CacheWatcher) {
        state.withLock { state in state.watchers.remove(watcher) }
    }

    func add(_ observer: CacheObserver) {
        observer.begin {
            state.withLock { state in
                state.observers.append(observer)
                // One that follows a single object does not pay for the others.
                guard let name = observer.soleName else { return state.objects }
                let (index, isFound) = state.position(of: name)
                return isFound ? [state.objects[index]] : []
            }
        }
    }

    func remove(_ observer: CacheObserver) {
        state.withLock { state in state.observers.removeAll { $0 === observer } }
    }
}

extension ResourceCache.State {
    fileprivate func firstIndex(notBefore name: ObjectName) -> Int { objects.firstIndex(notBefore: name) }

    fileprivate func position(of name: ObjectName) -> (index: Int, isFound: Bool) { objects.position(of: name) }

    /// Those that there are.
    fileprivate func objects(of names: [ObjectName]) -> [StoredObject] {
        names.compactMap { name in
            let (index, isFound) = position(of: name)
            return isFound ? objects[index] : nil
        }
    }

    /// Those that have the text which a filter asks of the indexed field, in order; `nil` when it asks for none.
    fileprivate func indexed(_ filter: ObjectFilter) -> [StoredObject]? {
        guard let index, let term = filter.fields.first(where: { $0.field == index.field && !$0.isNegated }) else {
            return nil
        }
        return objects(of: index.names(of: term.value).sorted())
    }

    fileprivate mutating func replace(_ change: CacheChange) {
        let (index, isFound) = position(of: change.name)
        if let old = change.old, let new = change.new, old.owners == new.owners {
            // Mostly an object stays in the same hands.
            replaceOwned(by: new)
        } else {
            if let old = change.old { removeOwned(old) }
            if let new = change.new { addOwned(new) }
        }
        bytes += (change.new?.bytes.count ?? 0) - (isFound ? objects[index].bytes.count : 0)
        switch (change.new, isFound) {
        case (let new?, true): objects[index] = new
        case (let new?, false): objects.insert(new, at: index)
        case (nil, true): objects.remove(at: index)
        case (nil, false): break
        }
        self.index?.apply(change)
    }

    fileprivate mutating func remember(_ change: CacheChange, _ limits: ResourceCache.Limits) {
        lastChange = change.revision
        ring.append(change.unshared)
        ringBytes += change.weight
        while ring.count > limits.ringEvents || ringBytes > limits.ringBytes, let oldest = ring.popFirst() {
            ringBytes -= oldest.weight
            ringFloor = oldest.revision
        }
    }

    fileprivate mutating func addOwned(_ object: StoredObject) {
        for owner in object.owners {
            let (index, isFound) = owned[owner.uid]?.position(of: object.objectName) ?? (0, false)
            // Two references to one owner count once.
            if !isFound { owned[owner.uid, default: []].insert(object, at: index) }
        }
    }

    private mutating func replaceOwned(by object: StoredObject) {
        for owner in object.owners {
            guard let (index, isFound) = owned[owner.uid]?.position(of: object.objectName), isFound else { continue }
            owned[owner.uid]?[index] = object
        }
    }

    fileprivate mutating func removeOwned(_ object: StoredObject) {
        for owner in object.owners {
            guard let (index, isFound) = owned[owner.uid]?.position(of: object.objectName), isFound else { continue }
            owned[owner.uid]?.remove(at: index)
            if owned[owner.uid]?.isEmpty ?? false { owned[owner.uid] = nil }
        }
    }
}

/// Objects in order of namespace and name.
extension [StoredObject] {
    fileprivate func firstIndex(notBefore name: ObjectName) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            let object = self[middle]
            if (object.namespace, object.name) < (name.namespace, name.name) { low = middle + 1 } else { high = middle }
        }
        return low
    }

    fileprivate func position(of name: ObjectName) -> (index: Int, isFound: Bool) {
        let index = firstIndex(notBefore: name)
        return (index, index < count && self[index].objectName == name)
    }
}
