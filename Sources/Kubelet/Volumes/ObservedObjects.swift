import APIMachinery
import Client
import Support
import Synchronization

/// ConfigMaps and Secrets in which pods take an interest, each observed once however many pods do, and only as
/// long as one does.
final class ObservedObjects: Sendable {
    struct Key: Hashable, Sendable {
        var resource: GroupVersionResource
        var name: ObjectName
    }

    private struct Entry {
        var set: any ObjectSet
        var observation: (any Observation)?
        var pods: Set<String>
    }

    private let entries = Mutex<[Key: Entry]>([:])
    private let client: any Client
    private let changed: @Sendable (String) -> Void

    /// `changed` is called with the uid of every pod whose object changed. It must return at once.
    init(client: any Client, changed: @escaping @Sendable (String) -> Void) {
        self.client = client
        self.changed = changed
    }

    /// Begins to observe the object in the name of a pod; when this returns, ``get(_:)`` knows it.
    func hold(_ key: Key, for pod: String) async throws(Fault) {
        if join(key, pod) { return }
        let field = FieldSelector([.init(field: "metadata.name", value: key.name.name)])
        let scope = ObservationScope(namespace: key.name.namespace, fieldSelector: field.description)
        let set: any ObjectSet
        do throws(Status) { set = try await client.observe(key.resource, scope) } catch {
            throw Fault(error, "cannot observe \(key.resource.resource) \(key.name)")
        }
        // Another pod may have been first meanwhile.
        let isNew = entries.withLock { entries in
            guard entries[key] == nil else {
                entries[key]?.pods.insert(pod)
                return false
            }
            entries[key] = Entry(set: set, observation: nil, pods: [pod])
            return true
        }
        guard isNew else { return }
        // Outside of the lock, since it tells of what is there before it returns.
        let observation = set.observe { [weak self] _ in self?.tell(key) }
        let isWanted = entries.withLock { entries in
            guard entries[key] != nil, entries[key]?.observation == nil else { return false }
            entries[key]?.observation = observation
            return true
        }
        if !isWanted { observation.cancel() }
    }

    /// The object as it is now; `nil` when there is none, or nobody holds it.
    func get(_ key: Key) -> StoredObject? {
        let set = entries.withLock { $0[key]?.set }
        return set?.get(key.name)
    }

    /// Whether one that is observed is not what it was.
    func haveChanged(since read: ObjectsRead) -> Bool {
        read.revisions.contains { key, revision in
            guard let set = entries.withLock({ $0[key]?.set }) else { return false }
            return (set.get(key.name)?.revision ?? 0) != revision
        }
    }

    /// A pod needs no more than these: what no other holds is observed no more.
    func release(_ pod: String, keeping kept: Set<Key> = []) {
        let ended = entries.withLock { entries in
            var ended: [any Observation] = []
            for key in entries.keys where entries[key]?.pods.contains(pod) == true && !kept.contains(key) {
                entries[key]?.pods.remove(pod)
                guard let entry = entries[key], entry.pods.isEmpty else { continue }
                if let observation = entry.observation { ended.append(observation) }
                entries[key] = nil
            }
            return ended
        }
        for observation in ended { observation.cancel() }
    }

    private func join(_ key: Key, _ pod: String) -> Bool {
        entries.withLock { entries in
            guard entries[key] != nil else { return false }
            entries[key]?.pods.insert(pod)
            return true
        }
    }

    private func tell(_ key: Key) {
        let pods = entries.withLock { $0[key]?.pods ?? [] }
        for pod in pods { changed(pod) }
    }
}
