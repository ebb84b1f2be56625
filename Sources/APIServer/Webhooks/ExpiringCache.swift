import Support
import Synchronization

/// Remembers answers for a while, and no more than a number of them.
///
/// There are two generations: when the young one is full it becomes the old one, and the old one is forgotten. What is
/// asked for in the meantime moves back to the young one, so that what is used stays; no list is kept in order.
final class ExpiringCache<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private struct Entry {
        var value: Value
        var end: Timestamp
    }

    private struct Generations {
        var young: [Key: Entry] = [:]
        var old: [Key: Entry] = [:]

        mutating func put(_ entry: Entry, for key: Key, limit: Int) {
            if young.count >= limit {
                old = young
                young = [:]
            }
            young[key] = entry
        }
    }

    private let generations = Mutex(Generations())
    /// Of each generation.
    private let limit: Int

    init(limit: Int = 8192) {
        precondition(limit >= 2, "a cache has room for something")
        self.limit = limit / 2
    }

    /// The answer, if there is one and its time is not over.
    func value(for key: Key, at now: Timestamp) -> Value? {
        generations.withLock { generations in
            if let entry = generations.young[key] { return now < entry.end ? entry.value : nil }
            guard let entry = generations.old.removeValue(forKey: key), now < entry.end else { return nil }
            generations.put(entry, for: key, limit: limit)
            return entry.value
        }
    }

    func put(_ value: Value, for key: Key, until end: Timestamp) {
        generations.withLock { $0.put(Entry(value: value, end: end), for: key, limit: limit) }
    }
}
