/// The log in one SQLite database: everything the driver knows and does, confined to one thread.
///
/// Its verbs are in the extensions, one file each. ``CommitThread`` calls them and serves the callers.
final class SQLiteLog {
    /// The bounds of the driver. Tests lower some of them to reach a corner sooner.
    struct Limits: Sendable {
        /// Keys whose place in `current` may still be unwritten, and twice as many rows. More of them save
        /// writes, and cost memory and time at start.
        var unindexedKeys = 4096
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
    /// As it was last committed.
    var meta = Meta()
    /// What `current` does not say yet: the row of each key written since, `nil` for a deleted key.
    var unindexed = OrderedMap<Revision?>()
    /// Set when the medium lost track of what it holds; nothing is written after it.
    var breakdown: DatastoreError?
    var isVacuumDue = false
    /// Put off after a failure, so that a full disk is not asked at every write.
    var nextCheckpoint: Int
    var nextIndexing: Revision = 0

    init(path: String, connection: Connection, limits: Limits) throws(DatastoreError) {
        self.path = path
        self.connection = connection
        self.limits = limits
        layout = try Layout(connection)
        nextCheckpoint = limits.logPages
        meta = try readMeta()
        revision = max(try readNewest(), meta.compacted)
        try checkIndex()
        try readUnindexed()
    }

    func close() { connection.close() }

    private func readNewest() throws(DatastoreError) -> Revision {
        let newest = try connection.prepare("SELECT max(revision) FROM log")
        defer { newest.reset() }
        return try newest.step() ? newest.int(0) : 0
    }

    /// Reads the rows that `current` does not know yet; their sums are checked on the way.
    private func readUnindexed() throws(DatastoreError) {
        let rows = layout.rows
        rows.bind(meta.indexed, at: 1)
        rows.bind(-1, at: 2)
        defer { rows.reset() }
        var reached = meta.indexed
        while try rows.step() {
            let row = try read(rows)
            reached += 1
            guard row.revision == reached else { throw .corrupt("revision \(reached) is missing") }
            unindexed[row.key] = .some(row.value == nil ? nil : row.revision)
        }
    }

    /// Reads all of `current` once. The cache that is filled next would read it anyway.
    private func checkIndex() throws(DatastoreError) {
        let isOrdered = 0 <= meta.swept && meta.swept <= meta.compacted && meta.compacted <= meta.indexed
        guard isOrdered, meta.indexed <= revision else {
            throw .corrupt("revision \(revision) and \(meta) do not fit together")
        }
        let index = try connection.prepare("SELECT key, revision FROM current")
        var digest: Int64 = 0
        while try index.step() { digest &+= Meta.share(of: index.text(0), at: index.int(1)) }
        guard digest == meta.digest else {
            throw .corrupt("the table current does not read back as it was written")
        }
    }
}
