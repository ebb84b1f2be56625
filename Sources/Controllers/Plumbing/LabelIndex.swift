import APIMachinery
import Client
import Synchronization

/// The objects of a live set by their labels, so that a selector finds its own without a look at the others.
///
/// Holds names, no copies of objects.
final class LabelIndex: Sendable {
    private let set: any ObjectSet
    private let isIncluded: @Sendable (StoredObject) -> Bool
    private let names = Mutex(Multimap<LabelPair, ObjectName>())

    /// - Parameter isIncluded: Whether an object is to be found at all.
    init(_ set: any ObjectSet, where isIncluded: @escaping @Sendable (StoredObject) -> Bool = { _ in true }) {
        self.set = set
        self.isIncluded = isIncluded
    }

    /// Takes in what became of an object of the set.
    func take(_ change: ObjectChange) {
        let name = change.name
        let old = change.old.map { pairs($0) } ?? []
        let new = change.new.map { pairs($0) } ?? []
        guard old != new else { return }
        names.withLock { names in
            for pair in old { names.remove(name, for: pair) }
            for pair in new { names.insert(name, for: pair) }
        }
    }

    /// The objects of a namespace that the selector matches, in order of their names.
    func objects(matching selector: LabelSelector, in namespace: String) -> [StoredObject] {
        let candidates: [StoredObject]
        let required = selector.required(in: namespace)
        if let names = names.withLock({ names in names.rarest(of: required).map { names[$0] } }) {
            candidates = names.sorted().compactMap { set.get($0) }
        } else {
            candidates = set.list(namespace: namespace)
        }
        return candidates.filter { isIncluded($0) && selector.matches($0.labels) }
    }

    private func pairs(_ object: StoredObject) -> [LabelPair] { isIncluded(object) ? object.labelPairs : [] }
}
