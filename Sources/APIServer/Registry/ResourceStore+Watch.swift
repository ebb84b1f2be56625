import APIMachinery
import Client
import Datastore

extension ResourceStore {
    /// Begins a watch: `watcher` sees every change after `revision`, or first everything present when that is `nil`.
    ///
    /// What the cache's ring no longer holds comes from the log's history, also across a restart. What that no longer
    /// holds either is refused with 410, as clients expect. A watch from a revision that is still to come waits for it,
    /// as in Kubernetes.
    func watch(_ watcher: CacheWatcher, after revision: Revision?) async throws(Status) {
        guard let revision else {
            return try attach(watcher, after: nil, prior: [])
        }
        let newest = log.revision
        if cache.ringFloor <= revision { return try attach(watcher, after: revision, prior: []) }
        let past: [CacheChange]
        do throws(DatastoreError) {
            past = try await log.changes(of: home, after: revision)
        } catch {
            switch error {
            case .compacted(let oldest): throw .expired("too old resource version: \(revision) (\(oldest))")
            default: throw Status(error)
            }
        }
        // Between the ring and the newest change read just now nothing can be missing, unless more changes came
        // meanwhile than the ring holds; the client then begins again.
        try attach(watcher, after: max(revision, newest), prior: past)
    }

    private func attach(_ watcher: CacheWatcher, after revision: Revision?, prior: [CacheChange]) throws(Status) {
        do throws(ResourceCache.WatchRefusal) {
            try cache.add(watcher, after: revision, prior: prior)
        } catch {
            throw .expired("too old resource version: \(revision ?? 0)")
        }
    }
}
