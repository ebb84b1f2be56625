import Support

/// Remembers answers for a time, a bounded number of them. Pure: the caller tells the time.
struct ExpiringCache<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private struct Entry {
        var value: Value
        /// When it came: by a clock that was put back, it has not come yet, and nobody knows how old it is.
        var begin: Timestamp
        var end: Timestamp
    }

    private let limit: Int
    private var entries: [Key: Entry] = [:]

    init(limit: Int) {
        precondition(limit > 0, "a cache that holds nothing is no cache")
        self.limit = limit
    }

    var count: Int { entries.count }

    func value(of key: Key, at now: Timestamp) -> Value? {
        entries[key].flatMap { $0.begin <= now && $0.end > now ? $0.value : nil }
    }

    /// Keeps a value until `end`. When there is no room, what has ended goes first, then what ends soonest.
    mutating func set(_ key: Key, _ value: Value, until end: Timestamp, at now: Timestamp) {
        if entries[key] == nil, entries.count >= limit {
            entries = entries.filter { $0.value.end > now }
            if entries.count >= limit, let soonest = entries.min(by: { $0.value.end < $1.value.end }) {
                entries[soonest.key] = nil
            }
        }
        entries[key] = Entry(value: value, begin: now, end: end)
    }
}
