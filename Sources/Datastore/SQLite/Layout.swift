/// The tables of the database, and every statement over them.
///
/// - `log` holds each value once, in the order of writing: a write appends one row and touches nothing else.
/// - `current` points from each key to its row. It is written late, many keys at once, and only up to the
///   revision `indexed`; what was written after that is in memory and is read again from the log at start.
/// - `meta` is one row of numbers (``Meta``): how far the index and the compaction have come.
///
/// Why so: docs/decisions/0001-sqlite-layout.md.
struct Layout {
    /// "k3sw", in the header of every database of ours.
    static let applicationID: UInt32 = 0x6B33_7377
    static let version: UInt32 = 1

    static let tables = """
        CREATE TABLE log (
            revision INTEGER PRIMARY KEY, previous INTEGER NOT NULL, created INTEGER NOT NULL,
            sum INTEGER NOT NULL, key TEXT NOT NULL, value BLOB
        ) STRICT;
        CREATE TABLE current (key TEXT PRIMARY KEY, revision INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        CREATE TABLE meta (
            compacted INTEGER NOT NULL, swept INTEGER NOT NULL, indexed INTEGER NOT NULL,
            digest INTEGER NOT NULL, sum INTEGER NOT NULL
        ) STRICT;
        INSERT INTO meta VALUES (0, 0, 0, 0, \(Meta().sum));
        PRAGMA user_version = \(version);
        """

    let append: Statement
    let row: Statement
    let rows: Statement
    let undone: Statement
    let superseded: Statement
    let drop: Statement
    let point: Statement
    let pointed: Statement
    let unpoint: Statement
    let scan: Statement
    let scanAfter: Statement
    let setMeta: Statement
    let pageCount: Statement
    let freePages: Statement

    init(_ connection: Connection) throws(DatastoreError) {
        let columns = "revision, previous, created, sum, key, value"
        append = try connection.prepare("INSERT INTO log (\(columns)) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")
        row = try connection.prepare("SELECT \(columns) FROM log WHERE revision = ?1")
        rows = try connection.prepare(
            "SELECT \(columns) FROM log WHERE revision > ?1 ORDER BY revision LIMIT ?2")
        undone = try connection.prepare(
            "SELECT key, previous FROM log WHERE revision > ?1 AND key >= ?2 AND key < ?3 "
                + "ORDER BY revision DESC")
        superseded = try connection.prepare(
            "SELECT revision, previous, key, value IS NULL FROM log WHERE revision > ?1 AND revision <= ?2 "
                + "ORDER BY revision LIMIT ?3")
        drop = try connection.prepare("DELETE FROM log WHERE revision = ?1 AND key = ?2")
        point = try connection.prepare(
            "INSERT INTO current VALUES (?1, ?2) "
                + "ON CONFLICT (key) DO UPDATE SET revision = excluded.revision")
        pointed = try connection.prepare("SELECT revision FROM current WHERE key = ?1")
        unpoint = try connection.prepare("DELETE FROM current WHERE key = ?1")
        scan = try connection.prepare(
            "SELECT key, revision FROM current WHERE key >= ?1 AND key < ?2 ORDER BY key")
        scanAfter = try connection.prepare(
            "SELECT key, revision FROM current WHERE key > ?1 AND key < ?2 ORDER BY key")
        setMeta = try connection.prepare(
            "UPDATE meta SET compacted = ?1, swept = ?2, indexed = ?3, digest = ?4, sum = ?5")
        pageCount = try connection.prepare("PRAGMA page_count")
        freePages = try connection.prepare("PRAGMA freelist_count")
    }
}
