import APIMachinery
import Client
import Synchronization

/// Who selects an object: an object knows nothing of those that do.
///
/// Each selector is filed under one label that it requires, the one that the fewest others are filed under, so a look-up
/// costs about as many steps as the object has labels, however many selectors there are. Holds names and selectors,
/// nothing else.
final class SelectorIndex: Sendable {
    fileprivate struct State {
        var filed: [ObjectName: [Filed]] = [:]
        var byLabel = Multimap<LabelPair, ObjectName>()
        /// Those with a selector that requires no label in particular, by namespace.
        var others = Multimap<String, ObjectName>()
    }

    fileprivate struct Filed {
        var selector: LabelSelector
        /// `nil` when it requires no label in particular.
        var place: LabelPair?
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

    /// Whether the one of this name selects an object.
    func selects(_ name: ObjectName, _ object: StoredObject) -> Bool {
        state.withLock { $0.selects(name, object) }
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
        let old = filed[name] ?? []
        guard old.map(\.selector) != new else { return }
        filed[name] = nil
        for entry in old {
            if let place = entry.place { byLabel.remove(name, for: place) }
        }
        others.remove(name, for: name.namespace)
        for selector in new {
            let place = byLabel.rarest(of: selector.required(in: name.namespace))
            if let place { byLabel.insert(name, for: place) } else { others.insert(name, for: name.namespace) }
            filed[name, default: []].append(SelectorIndex.Filed(selector: selector, place: place))
        }
    }

    fileprivate func names(selecting object: StoredObject) -> Set<ObjectName> {
        let candidates = object.labelPairs.reduce(others[object.namespace]) { $0.union(byLabel[$1]) }
        return candidates.filter { selects($0, object) }
    }

    fileprivate func selects(_ name: ObjectName, _ object: StoredObject) -> Bool {
        name.namespace == object.namespace
            && filed[name]?.contains { $0.selector.matches(object.labels) } ?? false
    }
}
