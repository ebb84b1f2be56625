import APIMachinery
import Client

/// The server's own cache as an `ObjectSet`: what observers in the process see is what clients are served.
struct CachedObjectSet: ObjectSet {
    let cache: ResourceCache
    let filter: ObjectFilter

    func get(_ name: ObjectName) -> StoredObject? {
        cache.get(name).flatMap { filter.includes($0) ? $0 : nil }
    }

    func list(namespace: String?) -> [StoredObject] {
        if let namespace, let own = filter.namespace, own != namespace { return [] }
        let objects = cache.list(namespace: namespace ?? filter.namespace)
        return filter.takesAll ? Array(objects) : objects.filter(filter.includes)
    }

    func owned(by uid: String) -> [StoredObject] {
        let objects = cache.owned(by: uid)
        return filter.takesAll && filter.namespace == nil ? objects : objects.filter(filter.includes)
    }

    func observe(_ sink: @escaping @Sendable (ObjectChange) -> Void) -> any Observation {
        let observer = CacheObserver(filter: filter, sink: sink)
        cache.add(observer)
        return CacheObservation(cache: cache, observer: observer)
    }
}

private struct CacheObservation: Observation {
    let cache: ResourceCache
    let observer: CacheObserver

    func cancel() {
        cache.remove(observer)
        observer.cancel()
    }
}
