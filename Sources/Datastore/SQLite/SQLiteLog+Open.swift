import CSQLite
import Glibc
import Support

extension SQLiteLog {
    /// Opens the database at a path, which ``DatabaseFile/prepare(_:)`` has looked at, and makes it when it
    /// is empty.
    static func open(_ file: DatabaseFile, limits: Limits, vfs: String? = nil) throws(Fault) -> SQLiteLog {
        var connection: Connection?
        do throws(DatastoreError) {
            let opened = try Connection(file.path, flags: SQLITE_OPEN_READWRITE, vfs: vfs)
            connection = opened
            try configure(opened, file, limits)
            return try SQLiteLog(path: file.path, connection: opened, limits: limits)
        } catch {
            let code = connection?.failureCode ?? 0
            connection?.close()
            throw fault(error, code: code, file.path)
        }
    }

    private static func configure(
        _ connection: Connection, _ file: DatabaseFile, _ limits: Limits
    ) throws(DatastoreError) {
        // One process owns the database: a second one is refused, and no shared-memory file is needed.
        try connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        try connection.execute("PRAGMA cache_size = -\(limits.cacheKibibytes)")
        if file.isNew {
            try connection.execute("PRAGMA page_size = \(pageSize); PRAGMA auto_vacuum = INCREMENTAL")
            try connection.execute("PRAGMA application_id = \(Layout.applicationID)")
        }
        // FULL: a commit is on the medium before anybody hears of it.
        try connection.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
        try connection.execute("PRAGMA journal_size_limit = \(4 * Int64(limits.logPages) * pageSize)")
        connection.watchLog()
        try connection.transaction { () throws(DatastoreError) in
            let tables = try connection.column("SELECT name FROM sqlite_schema WHERE type = 'table'")
            if tables.contains("kine") { throw DatastoreError.unavailable(DatabaseFile.kineSentence) }
            if tables.isEmpty { try connection.execute(Layout.tables) }
        }
        if file.wasUnclean, file.size <= checkLimit {
            let findings = try connection.column("PRAGMA quick_check(1)")
            guard findings == ["ok"] else { throw .corrupt(findings.joined(separator: "; ")) }
        }
    }

    /// A database up to this size is checked as a whole after an unclean end. It takes some 1 ms for each
    /// MiB; the sums of the rows find damage in larger ones when it is read.
    private static let checkLimit: Int64 = 64 << 20

    private static func fault(_ error: DatastoreError, code: Int32, _ path: String) -> Fault {
        switch (error, code & 0xFF) {
        case (.corrupt(let what), _):
            Fault(
                .corrupt, "the database \(path) is damaged: \(what)",
                remedy: "restore it from a snapshot, or move it away to start with an empty cluster")
        case (.full, _):
            Fault(.full, "no space is left for the database \(path)", remedy: "make room on its file system")
        case (_, SQLITE_BUSY), (_, SQLITE_LOCKED):
            DatabaseFile.inUse(path)
        case (_, SQLITE_READONLY), (_, SQLITE_PERM), (_, SQLITE_AUTH):
            Fault(
                .denied, "the database \(path) cannot be written",
                remedy: "check the owner and mode of the file",
                cause: error)
        default:
            Fault(.failed, "the database \(path) cannot be opened", cause: error)
        }
    }
}
