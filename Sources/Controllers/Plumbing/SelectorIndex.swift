import APIMachinery
import Client
import Synchronization

/// Who selects an object: an object knows nothing of those that do.
///
/// Each selector is filed under one label that it requires, so a look-up costs as many steps as the object has labels,
/// however many selectors there are. Holds names and selectors, nothing else.
final class SelectorIndex: Sendable {
    fileprivate struct State {
        var selectors: [ObjectName: [LabelSelector]] = [:]
        var byLabel = Multimap<LabelPair, ObjectName>()
        /// Those with a selector that requires no label in particular, by namespace.
        var others = Multimap<String, ObjectName>()
    }

    private let state = Mutex(State())
    private let selectors: @Sendable (StoredObject) -> [LabelSelector]

    /// - Parameter selectors: Those of an object, of which any may match. They reach no further than its namespace.
    init(_ selectors: @escaping @Sendable (StoredObject) -> [LabelSelector]) { self.selectors = selectors }

    /// Takes in what became of an object that selects.
    func take(_ change: ObjectChange) {
        let (name, selectors) = (change.name, change.new.map(selectors) ?? [])
        state.withLock { $0.set(name, selectors) }
    }

    /// The names of those that select an object as it was or as it is.
    func names(selecting change: ObjectChange) -> Set<ObjectName> {
        state.withLock { state in
            let present = change.new.map { state.names(selecting: $0) } ?? []
            guard let old = change.old, old.labels != change.new?.labels else { return present }
            return present.union(state.names(selecting: old))
        }
    }
}

extension SelectorIndex.State {
    fileprivate mutating func set(_ name: ObjectName, _ new: [LabelSelector]) {
        let old = selectors[name] ?? []
        guard old != new else { return }
        for selector in old {
            switch selector.anchor(in: name.namespace) {
            case let anchor?: byLabel.remove(name, for: anchor)
            case nil: others.remove(name, for: name.namespace)
            }
        }
        for selector in new {
            switch selector.anchor(in: name.namespace) {
            case let anchor?: byLabel.insert(name, for: anchor)
            case nil: others.insert(name, for: name.namespace)
            }
        }
        selectors[name] = new.isEmpty ? nil : new
    }

    fileprivate func names(selecting object: StoredObject) -> Set<ObjectName> {
        let candidates = object.labelPairs.reduce(others[object.namespace]) { $0.union(byLabel[$1]) }
        return candidates.filter { name in
            selectors[name]?.contains { $0.matches(object.labels) } ?? false
        }
    }
}
