public import APIMachinery
import Synchronization

/// Which resources the API serves, as they come and go with the definitions of custom resources.
///
/// For parts that look at every kind, such as the garbage collector. Each stored resource is told of once, in one of
/// the versions in which it is served.
public protocol ResourceCatalog: Sendable {
    /// Calls `sink` for each present resource as an addition, then for each change, in order and never concurrently.
    ///
    /// The sink must return at once, and must not call the catalog or the API.
    func observe(_ sink: @escaping @Sendable (CatalogChange) -> Void) -> any Observation
}

/// A resource, as far as is known to somebody who knows nothing of its kind.
public struct CatalogEntry: Hashable, Sendable {
    public var resource: GroupVersionResource
    public var kind: GroupVersionKind
    public var isNamespaced: Bool
    public var verbs: [String]

    public init(resource: GroupVersionResource, kind: GroupVersionKind, isNamespaced: Bool, verbs: [String]) {
        self.resource = resource
        self.kind = kind
        self.isNamespaced = isNamespaced
        self.verbs = verbs
    }
}

/// A resource has come, or has gone with all its objects. One that is served otherwise than before does both.
public enum CatalogChange: Hashable, Sendable {
    case added(CatalogEntry)
    case removed(CatalogEntry)
}

/// A catalog that never changes.
public struct FixedCatalog: ResourceCatalog {
    private let entries: [CatalogEntry]

    public init(_ entries: [CatalogEntry]) { self.entries = entries }

    public func observe(_ sink: @escaping @Sendable (CatalogChange) -> Void) -> any Observation {
        for entry in entries { sink(.added(entry)) }
        return Nothing()
    }

    private struct Nothing: Observation {
        func cancel() {}
    }
}

/// A catalog that its owner changes.
public final class LiveCatalog: ResourceCatalog {
    private struct State {
        var entries: [CatalogEntry] = []
        var sinks: [(id: Int, sink: @Sendable (CatalogChange) -> Void)] = []
        var nextID = 0
    }

    /// Held while sinks run, so that they see all changes, in order.
    private let state: Mutex<State>

    public init(_ entries: [CatalogEntry] = []) { state = Mutex(State(entries: entries)) }

    /// From now on these are all the resources there are.
    public func set(_ entries: [CatalogEntry]) {
        state.withLock { state in
            let (before, after) = (Set(state.entries), Set(entries))
            let changes =
                state.entries.filter { !after.contains($0) }.map(CatalogChange.removed)
                + entries.filter { !before.contains($0) }.map(CatalogChange.added)
            state.entries = entries
            for change in changes { for observer in state.sinks { observer.sink(change) } }
        }
    }

    public func observe(_ sink: @escaping @Sendable (CatalogChange) -> Void) -> any Observation {
        let id = state.withLock { state in
            for entry in state.entries { sink(.added(entry)) }
            state.nextID += 1
            state.sinks.append((state.nextID, sink))
            return state.nextID
        }
        return Following(catalog: self, id: id)
    }

    private struct Following: Observation {
        let catalog: LiveCatalog
        let id: Int
        func cancel() { catalog.state.withLock { state in state.sinks.removeAll { $0.id == id } } }
    }
}
