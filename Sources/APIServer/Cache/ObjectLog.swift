import APIMachinery
import Client
import Datastore
import Support
import Synchronization

/// A log and the caches of the resources that live in it.
///
/// The log delivers its changes here, in order; each becomes a `StoredObject` once and goes to the one cache it belongs
/// to. A write returns only after the caches have it, so whoever was told that a write succeeded reads it.
final class ObjectLog: Sendable {
    private let datastore: any Datastore
    private let homes: Mutex<Homes>
    private let applied: Atomic<Revision>
    private let subscription = Mutex<(any Subscription)?>(nil)
    private let followers = Mutex<[Follower]>([])
    let figures = LogFigures()
    /// Tells watches how far the log has come; to be run by whoever serves them.
    let bookmarks = WatchBookmarks()

    /// A resource as the log keeps it. `prefix` is the part of the keys between `/registry/` and the object's own name.
    struct Stored: Sendable {
        var resource: GroupVersionResource
        var prefix: String
    }

    /// Which resources are kept, and where.
    private struct Homes {
        /// By the first one or two segments of the keys, as `minions` or `networking.k8s.io/ingresses`.
        var caches: [String: Home] = [:]
        var prefixes: [GroupVersionResource: String] = [:]
        /// What came of resources whose present state is being read.
        var waiting: [String: [Change]] = [:]
    }

    private struct Home {
        var cache: ResourceCache
        /// Changes up to this revision are in the cache, though they may be delivered later.
        var floor: Revision
    }

    /// Somebody who is told each time the log has moved on by so much.
    private struct Follower {
        var step: Revision
        var next: Revision
        var continuation: AsyncStream<Void>.Continuation
    }

    static let root = "/registry/"

    /// Reads the present state, then follows the log.
    static func open(_ datastore: any Datastore, _ resources: [Stored]) async throws(DatastoreError) -> ObjectLog {
        let listing = try await datastore.list(ListQuery(prefix: root))
        let byPrefix = Set(resources.map(\.prefix))
        var objects: [String: [StoredObject]] = [:]
        for entry in listing.entries {
            guard let (prefix, _) = split(entry.key, contains: byPrefix.contains) else { continue }
            objects[prefix, default: []].append(try decode(entry))
        }
        let log = ObjectLog(datastore, resources, objects, listing.revision)
        // Weak would be wrong here: the log lives until it is closed, and closing ends the subscription.
        let subscription = try await datastore.subscribe(after: listing.revision) { log.apply($0) }
        log.subscription.withLock { $0 = subscription }
        return log
    }

    private init(
        _ datastore: any Datastore, _ resources: [Stored], _ objects: [String: [StoredObject]], _ revision: Revision
    ) {
        self.datastore = datastore
        var homes = Homes()
        for stored in resources {
            let cache = ResourceCache(stored.resource, objects: objects[stored.prefix] ?? [], revision: revision)
            homes.caches[stored.prefix] = Home(cache: cache, floor: revision)
            homes.prefixes[stored.resource] = stored.prefix
        }
        self.homes = Mutex(homes)
        applied = Atomic(revision)
    }

    /// The cache of a resource that lives in this log.
    func cache(of resource: GroupVersionResource) -> ResourceCache? {
        homes.withLock { homes in homes.prefixes[resource].flatMap { homes.caches[$0]?.cache } }
    }

    // MARK: Resources that come and go

    /// Begins to keep a resource: reads what of it is stored, each object changed by `normalise`, then follows it. One
    /// that is kept already keeps its cache. Not to be called twice at once for the same resource.
    func keep(
        _ stored: Stored, normalise: (StoredObject) -> StoredObject = { $0 }
    ) async throws(DatastoreError) -> ResourceCache {
        if let cache = cache(of: stored.resource) { return cache }
        homes.withLock { $0.waiting[stored.prefix] = [] }
        let cache: ResourceCache
        let floor: Revision
        do throws(DatastoreError) {
            let listing = try await datastore.list(ListQuery(prefix: Self.root + stored.prefix + "/"))
            var objects: [StoredObject] = []
            for entry in listing.entries { objects.append(normalise(try Self.decode(entry))) }
            floor = listing.revision
            cache = ResourceCache(stored.resource, objects: objects, revision: floor)
        } catch {
            homes.withLock { $0.waiting[stored.prefix] = nil }
            throw error
        }
        homes.withLock { homes in
            // Nobody follows the cache yet, so nobody is called while the lock is held.
            for change in homes.waiting[stored.prefix] ?? [] where change.revision > floor {
                Self.apply(change, to: cache)
            }
            homes.waiting[stored.prefix] = nil
            homes.caches[stored.prefix] = Home(cache: cache, floor: floor)
            homes.prefixes[stored.resource] = stored.prefix
        }
        return cache
    }

    /// Reads anew what is stored of a resource that is kept, each object changed by `normalise`: the same versions in
    /// another form, of which nobody is told.
    func reread(
        _ stored: Stored, normalise: (StoredObject) -> StoredObject
    ) async throws(DatastoreError) {
        guard let cache = cache(of: stored.resource) else { return }
        var objects: [ObjectName: StoredObject] = [:]
        for entry in try await datastore.list(ListQuery(prefix: Self.root + stored.prefix + "/")).entries {
            let object = try Self.decode(entry)
            objects[object.objectName] = object
        }
        cache.replaceAll { present in
            let read = objects[present.objectName]
            let new = normalise(read?.revision == present.revision ? read ?? present : present)
            return new.bytes == present.bytes ? present : new
        }
    }

    /// Keeps the resource no longer. What is stored of it stays stored.
    func forget(_ resource: GroupVersionResource) {
        homes.withLock { homes in
            guard let prefix = homes.prefixes.removeValue(forKey: resource) else { return }
            homes.caches[prefix] = nil
        }
        figures.forget(resource)
    }

    private func prefix(of resource: GroupVersionResource) throws(DatastoreError) -> String {
        guard let prefix = homes.withLock({ $0.prefixes[resource] }) else {
            throw .unavailable("\(resource) is not kept in this log")
        }
        return prefix
    }

    /// Everything up to this revision is in the caches.
    var revision: Revision { applied.load(ordering: .acquiring) }

    // MARK: Writing

    /// Commits `value` (canonical JSON without `resourceVersion`), or the deletion, in place of the version at
    /// `expected`, 0 for none. Returns the version as it is stored now; for a deletion the revision alone counts.
    func write(
        _ resource: GroupVersionResource, _ name: ObjectName, _ value: [UInt8]?, expected: Revision
    ) async throws(DatastoreError) -> Revision {
        let key = try key(of: resource, name)
        let begun = ContinuousClock.now
        let (operation, write): (String, Write) =
            switch (value, expected) {
            case (let value?, 0): ("create", .create(key, value))
            case (let value?, _): ("update", .update(key, value, at: expected))
            case (nil, _): ("delete", .delete(key, at: expected))
            }
        do throws(DatastoreError) {
            let revision = try await datastore.write(write)
            figures.wrote(operation, resource, took: .now - begun, hasFailed: false)
            return revision
        } catch {
            figures.wrote(operation, resource, took: .now - begun, hasFailed: true)
            throw error
        }
    }

    /// Moves the log on by a change that is of no object.
    func advance() async throws(DatastoreError) {
        let key = "/advance"
        do throws(DatastoreError) {
            let revision = try await datastore.write(.create(key, []))
            try await datastore.write(.delete(key, at: revision))
        } catch {
            // Somebody else is at it, or a crash came between: what is there goes.
            guard case .conflict(let current?) = error else { throw error }
            _ = try? await datastore.write(.delete(key, at: current.revision))
        }
    }

    /// What the datastore takes on its medium; `nil` while it does not say.
    func size() async -> ByteCount? { try? await datastore.size() }

    /// Where an object is kept, for people.
    func keyText(of resource: GroupVersionResource, _ name: ObjectName) -> String {
        (try? key(of: resource, name)) ?? name.name
    }

    private func key(of resource: GroupVersionResource, _ name: ObjectName) throws(DatastoreError) -> String {
        Self.root + (try prefix(of: resource)) + "/" + (name.namespace.isEmpty ? "" : name.namespace + "/") + name.name
    }

    /// Whether writing the object as it is would change how it is kept: its encryption is not the present one.
    func isStale(_ resource: GroupVersionResource, _ name: ObjectName) -> Bool {
        guard let datastore = datastore as? EncryptedDatastore, let key = try? key(of: resource, name) else { return false }
        return datastore.isStale(key)
    }

    // MARK: Reading the past

    /// The objects of a resource as of an older revision.
    func list(
        _ resource: GroupVersionResource, namespace: String?, at revision: Revision
    ) async throws(DatastoreError) -> [StoredObject] {
        let start = Self.root + (try prefix(of: resource)) + "/" + (namespace.map { $0 + "/" } ?? "")
        var objects: [StoredObject] = []
        for entry in try await datastore.list(ListQuery(prefix: start, at: revision)).entries {
            objects.append(try Self.decode(entry))
        }
        return objects
    }

    /// The changes of a resource after `revision` that the log still knows.
    func changes(of resource: GroupVersionResource, after revision: Revision) async throws(DatastoreError) -> [CacheChange] {
        let start = Self.root + (try prefix(of: resource)) + "/"
        var changes: [CacheChange] = []
        for change in try await datastore.changes(after: revision) where change.key.hasPrefix(start) {
            do throws(DatastoreError) {
                changes.append(try Self.decode(change))
            } catch {
                // Written with a key that is gone. The client lists anew, as when history was dropped.
                throw .compacted(oldest: self.revision + 1)
            }
        }
        return changes
    }

    func close() async {
        subscription.withLock { $0?.cancel() }
        await datastore.close()
    }

    // MARK: Following

    /// Says each time that the log has moved on by at least `step` revisions.
    func advances(by step: Revision) -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let follower = Follower(step: step, next: revision + step, continuation: continuation)
        followers.withLock { $0.append(follower) }
        return stream
    }

    private func tellFollowers() {
        let reached = revision
        followers.withLock { followers in
            for index in followers.indices where followers[index].next <= reached {
                followers[index].next = reached + followers[index].step
                followers[index].continuation.yield()
            }
        }
    }

    private func apply(_ changes: [Change]) {
        for change in changes {
            if let cache = cache(for: change) { Self.apply(change, to: cache) }
            applied.store(change.revision, ordering: .releasing)
        }
        tellFollowers()
    }

    /// The cache that a delivered change is news for.
    private func cache(for change: Change) -> ResourceCache? {
        homes.withLock { homes in
            let isKnown = { (prefix: String) in homes.caches[prefix] != nil || homes.waiting[prefix] != nil }
            guard let (prefix, _) = Self.split(change.key, contains: isKnown) else { return nil }
            homes.waiting[prefix]?.append(change)
            guard let home = homes.caches[prefix], change.revision > home.floor else { return nil }
            return home.cache
        }
    }

    private static func apply(_ change: Change, to cache: ResourceCache) {
        do throws(DatastoreError) {
            cache.apply(try decode(change, replacing: cache.get))
        } catch {
            // Everything in the log was encoded by this process; what does not decode was damaged in memory.
            preconditionFailure("the log delivered what nobody wrote: \(error)")
        }
    }

    /// Reuses the version in the cache for the old side, so that it is not parsed again.
    private static func decode(
        _ change: Change, replacing current: (ObjectName) -> StoredObject?
    ) throws(DatastoreError) -> CacheChange {
        let new = try change.entry.map { entry throws(DatastoreError) in try decode(entry) }
        var old: StoredObject?
        if let previous = change.previous {
            let cached = new.flatMap { current($0.objectName) }
            old = cached?.revision == previous.revision ? cached : try decode(previous)
        }
        return CacheChange(old: old, new: new, revision: change.revision)
    }

    private static func decode(_ change: Change) throws(DatastoreError) -> CacheChange {
        try decode(change) { _ in nil }
    }

    private static func decode(_ entry: Entry) throws(DatastoreError) -> StoredObject {
        do throws(JSONError) {
            return try StoredObject(logged: entry.value, revision: entry.revision)
        } catch {
            throw .corrupt("the value of \(entry.key) is no object: \(error)")
        }
    }

    /// Cuts `/registry/PREFIX/NAME` where PREFIX is a known one of one or two segments.
    private static func split(
        _ key: String, contains isPrefix: (String) -> Bool
    ) -> (prefix: String, name: Substring)? {
        guard key.hasPrefix(root) else { return nil }
        let rest = key.dropFirst(root.count)
        var end = rest.startIndex
        for _ in 0..<2 {
            guard let slash = rest[end...].firstIndex(of: "/") else { return nil }
            let prefix = String(rest[..<slash])
            if isPrefix(prefix) { return (prefix, rest[rest.index(after: slash)...]) }
            end = rest.index(after: slash)
        }
        return nil
    }
}
