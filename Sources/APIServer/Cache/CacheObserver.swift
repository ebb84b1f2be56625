import APIMachinery
import Client
import Synchronization

/// A sink that follows a resource from inside the process. See `ObjectSet.observe`.
final class CacheObserver: Sendable {
    private let filter: ObjectFilter
    private let sink: @Sendable (ObjectChange) -> Void
    /// Held while the sink runs, so that it never runs twice at once, nor after it was cancelled.
    private let isCancelled = Mutex(false)

    init(filter: ObjectFilter, sink: @escaping @Sendable (ObjectChange) -> Void) {
        self.filter = filter
        self.sink = sink
    }

    /// The object that this follows, when it follows just one.
    var soleName: ObjectName? {
        guard let name = filter.name, let namespace = filter.namespace else { return nil }
        return ObjectName(namespace: namespace, name: name)
    }

    /// Registers by `register`, which returns the objects present at that instant, and shows those to the sink. Changes
    /// that come meanwhile wait for the end.
    func begin(_ register: () -> [StoredObject]) {
        isCancelled.withLock { _ in
            for object in register() where filter.includes(object) { sink(ObjectChange(old: nil, new: object)) }
        }
    }

    func deliver(_ change: CacheChange) {
        let (old, new) = filter.sides(of: change)
        guard old != nil || new != nil else { return }
        isCancelled.withLock { isCancelled in
            if !isCancelled { sink(ObjectChange(old: old, new: new)) }
        }
    }

    func cancel() {
        isCancelled.withLock { $0 = true }
    }
}
