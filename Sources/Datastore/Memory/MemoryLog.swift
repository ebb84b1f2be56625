/// The log as a plain value: the current state, and the changes that led to it as far back as they are kept.
///
/// It decides everything and does nothing else; ``MemoryDatastore`` adds isolation and the sinks.
struct MemoryLog: Sendable {
    /// What the current state keeps of a key; the key itself is in the map.
    struct Version: Sendable {
        var value: [UInt8]
        var revision: Revision
        var createdRevision: Revision

        func entry(_ key: String) -> Entry {
            Entry(key: key, value: value, revision: revision, createdRevision: createdRevision)
        }
    }

    var current = OrderedMap<Version>()
    var history: History
    var revision: Revision
    /// Bytes of the keys and values of the current state.
    var currentBytes = 0

    init(startingAt revision: Revision, keeping limit: HistoryLimit) {
        self.revision = revision
        history = History(after: revision, limit: limit)
    }

    /// The state that a listing returned, its history forgotten.
    init(holding entries: [Entry], keeping limit: HistoryLimit) {
        self.init(startingAt: entries.map(\.revision).max() ?? 0, keeping: limit)
        for entry in entries {
            current[entry.key] = Version(
                value: entry.value, revision: entry.revision, createdRevision: entry.createdRevision)
            currentBytes += entry.key.utf8.count + entry.value.count
        }
    }

    func get(_ key: String) -> Entry? { current[key]?.entry(key) }
}

/// How much of the past a memory-backed log keeps. The oldest changes go first, whichever bound is reached.
public struct HistoryLimit: Sendable, Equatable {
    /// The most changes.
    public var changes: Int
    /// The most bytes of values, old and new, that those changes hold.
    public var bytes: Int

    public init(changes: Int = 4096, bytes: Int = 8 << 20) {
        precondition(changes > 0 && bytes > 0, "a log without history cannot be followed")
        self.changes = changes
        self.bytes = bytes
    }
}
