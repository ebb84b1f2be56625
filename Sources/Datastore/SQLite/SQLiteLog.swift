/// The log in one SQLite database: everything the driver knows and does, confined to one thread.
///
/// Its verbs are in the extensions, one file each. ``CommitThread`` calls them and serves the callers.
final class SQLiteLog {
    /// The bounds of the driver. Tests lower some of them to reach a corner sooner.
    struct Limits: Sendable {
        /// Keys whose place in `current` may still be unwritten. More keys save writes, and cost memory and start-up.
        var unindexedKeys = 2048
        /// Pages of the write-ahead log after which its content moves into the database.
        var logPages = 1000
        /// Rows looked at in one step of compaction.
        var sweepRows = 512
        /// Pages given back in one step.
        var vacuumPages = 256
        /// Beyond this size only deletions are accepted.
        var size: Int64 = .max
        /// SQLite's page cache. The system's file cache holds the rest.
        var cacheKibibytes = 2048
    }

    static let pageSize: Int64 = 4096

    let path: String
    let connection: Connection
    let layout: Layout
    let limits: Limits

    /// The newest committed revision. Within a group: the newest given out.
    var revision: Revision = 0
    var compacted: Revision = 0
    /// Compaction has removed what it should up to here; behind ``compacted`` while it has work left.
    var swept: Revision = 0
    /// `current` says all up to here.
    var indexed: Revision = 0
    /// What `current` does not say yet: the row of each key written since ``indexed``, `nil` for a deleted key.
    var unindexed = OrderedMap<Revision?>()
    /// Set when the medium lost track of what it holds; nothing is written after it.
    var breakdown: DatastoreError?
    var isVacuumDue = false
    /// The length of the write-ahead log, and the number of unindexed keys, at which something is done about it.
    var nextCheckpoint: Int
    var nextIndexing: Int

    init(path: String, connection: Connection, limits: Limits) throws(DatastoreError) {
        self.path = path
        self.connection = connection
        self.limits = limits
        layout = try Layout(connection)
        nextCheckpoint = limits.logPages
        nextIndexing = limits.unindexedKeys
        try readMeta()
        try readUnindexed()
        try check()
    }

    func close() { connection.close() }

    private func readMeta() throws(DatastoreError) {
        let numbers = try connection.prepare("SELECT name, number FROM meta")
        while try numbers.step() {
            switch numbers.text(0) {
            case "compacted": compacted = numbers.int(1)
            case "swept": swept = numbers.int(1)
            case "indexed": indexed = numbers.int(1)
            default: break
            }
        }
        let newest = try connection.prepare("SELECT max(revision) FROM log")
        if try newest.step() { revision = max(newest.int(0), compacted) }
        newest.reset()
    }

    /// Reads the rows that `current` does not know yet; their sums are checked on the way.
    private func readUnindexed() throws(DatastoreError) {
        let rows = layout.rows
        rows.bind(indexed, at: 1)
        rows.bind(-1, at: 2)
        defer { rows.reset() }
        while try rows.step() {
            let row = try read(rows)
            unindexed[row.key] = .some(row.value == nil ? nil : row.revision)
        }
    }

    private func check() throws(DatastoreError) {
        guard 0 <= swept, swept <= compacted, compacted <= revision, 0 <= indexed, indexed <= revision else {
            throw .corrupt(
                "revision \(revision), compacted \(compacted), swept \(swept), indexed \(indexed) do not fit together")
        }
    }
}
