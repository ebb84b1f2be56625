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
    /// By the first one or two segments of the keys, as `minions` or `networking.k8s.io/ingresses`.
    private let caches: [String: ResourceCache]
    private let prefixes: [GroupVersionResource: String]
    private let applied: Atomic<Revision>
    private let subscription = Mutex<(any Subscription)?>(nil)
    private let followers = Mutex<[Follower]>([])

    /// A resource as the log keeps it. `prefix` is the part of the keys between `/registry/` and the object's own name.
    struct Stored: Sendable {
        var resource: GroupVersionResource
        var prefix: String
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
        var caches: [String: ResourceCache] = [:]
        for stored in resources {
            caches[stored.prefix] = ResourceCache(
                stored.resource, objects: objects[stored.prefix] ?? [], revision: revision)
        }
        self.caches = caches
        prefixes = Dictionary(uniqueKeysWithValues: resources.map { ($0.resource, $0.prefix) })
        applied = Atomic(revision)
    }

    /// The cache of a resource that lives in this log.
    func cache(of resource: GroupVersionResource) -> ResourceCache? { prefixes[resource].flatMap { caches[$0] } }

    /// Everything up to this revision is in the caches.
    var revision: Revision { applied.load(ordering: .acquiring) }

    // MARK: Writing

    /// Commits `value` (canonical JSON without `resourceVersion`), or the deletion, in place of the version at
    /// `expected`, 0 for none. Returns the version as it is stored now; for a deletion the revision alone counts.
    func write(
        _ resource: GroupVersionResource, _ name: ObjectName, _ value: [UInt8]?, expected: Revision
    ) async throws(DatastoreError) -> Revision {
        let key = try key(of: resource, name)
        return switch (value, expected) {
        case (let value?, 0): try await datastore.write(.create(key, value))
        case (let value?, _): try await datastore.write(.update(key, value, at: expected))
        case (nil, _): try await datastore.write(.delete(key, at: expected))
        }
    }

    private func key(of resource: GroupVersionResource, _ name: ObjectName) throws(DatastoreError) -> String {
        guard let prefix = prefixes[resource] else {
            throw .unavailable("\(resource) is not kept in this log")
        }
        return Self.root + prefix + "/" + (name.namespace.isEmpty ? "" : name.namespace + "/") + name.name
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
        guard let prefix = prefixes[resource] else { throw .unavailable("\(resource) is not kept in this log") }
        let start = Self.root + prefix + "/" + (namespace.map { $0 + "/" } ?? "")
        var objects: [StoredObject] = []
        for entry in try await datastore.list(ListQuery(prefix: start, at: revision)).entries {
            objects.append(try Self.decode(entry))
        }
        return objects
    }

    /// The changes of a resource after `revision` that the log still knows.
    func changes(of resource: GroupVersionResource, after revision: Revision) async throws(DatastoreError) -> [CacheChange] {
        guard let prefix = prefixes[resource] else { throw .unavailable("\(resource) is not kept in this log") }
        let start = Self.root + prefix + "/"
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
            if let (prefix, _) = Self.split(change.key, contains: { caches[$0] != nil }), let cache = caches[prefix] {
                do throws(DatastoreError) {
                    cache.apply(try Self.decode(change, replacing: cache.get))
                } catch {
                    // Everything in the log was encoded by this process; what does not decode was damaged in memory.
                    preconditionFailure("the log delivered what nobody wrote: \(error)")
                }
            }
            applied.store(change.revision, ordering: .releasing)
        }
        tellFollowers()
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
