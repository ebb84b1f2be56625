import CSQLite

/// One open SQLite database, used by one thread at a time.
///
/// A thin layer: SQL text in, ``Statement`` out, result codes turned into ``DatastoreError``.
final class Connection {
    let handle: OpaquePointer
    private var statements: [OpaquePointer] = []
    /// Frames in the write-ahead log after the last commit, as SQLite reports them.
    private let walFrames: UnsafeMutablePointer<Int32>
    private var begin: Statement?
    private var commit: Statement?
    private var isClosed = false
    /// The result code of the newest call that failed.
    private(set) var failureCode: Int32 = SQLITE_OK

    /// - Parameter vfs: the name of the file layer to use, `nil` for the system's.
    init(_ name: String, flags: Int32, vfs: String? = nil) throws(DatastoreError) {
        var opened: OpaquePointer?
        // NOMUTEX: the connection is confined to one thread, so SQLite need not lock it.
        let code = sqlite3_open_v2(name, &opened, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, vfs)
        guard let opened, code == SQLITE_OK else {
            let error = DatastoreError(
                sqlite: code, opened.map { String(cString: sqlite3_errmsg($0)) } ?? "no memory")
            sqlite3_close(opened)
            throw error
        }
        handle = opened
        walFrames = .allocate(capacity: 1)
        walFrames.initialize(to: 0)
    }

    deinit {
        close()
        walFrames.deallocate()
    }

    /// Writes the write-ahead log into the database, removes it, and releases the lock. Statements are dead
    /// after it.
    func close() {
        guard !isClosed else { return }
        isClosed = true
        for statement in statements { sqlite3_finalize(statement) }
        sqlite3_close(handle)
    }

    /// Runs statements that need no parameters and give no rows.
    func execute(_ sql: String) throws(DatastoreError) {
        guard sqlite3_exec(handle, sql, nil, nil, nil) == SQLITE_OK else { throw failure() }
    }

    /// Prepares a statement that lives as long as the connection.
    func prepare(_ sql: String) throws(DatastoreError) -> Statement {
        var statement: OpaquePointer?
        let flags = UInt32(SQLITE_PREPARE_PERSISTENT)
        guard sqlite3_prepare_v3(handle, sql, -1, flags, &statement, nil) == SQLITE_OK, let statement else {
            throw failure()
        }
        statements.append(statement)
        return Statement(statement, of: self)
    }

    /// The first column of the rows that a statement gives, as text.
    func column(_ sql: String) throws(DatastoreError) -> [String] {
        let statement = try prepare(sql)
        var values: [String] = []
        while try statement.step() { values.append(statement.text(0)) }
        statements.removeLast()
        sqlite3_finalize(statement.handle)
        return values
    }

    /// Runs the changes as one transaction: all of them are durable when it returns, or none has happened.
    func transaction(_ body: () throws(DatastoreError) -> Void) throws(DatastoreError) {
        do throws(DatastoreError) {
            try run(&begin, "BEGIN IMMEDIATE")
            try body()
            try run(&commit, "COMMIT")
        } catch {
            // SQLite has undone it itself after some failures.
            if sqlite3_get_autocommit(handle) == 0 { sqlite3_exec(handle, "ROLLBACK", nil, nil, nil) }
            throw error
        }
    }

    private func run(_ statement: inout Statement?, _ sql: String) throws(DatastoreError) {
        if statement == nil { statement = try prepare(sql) }
        try statement?.run()
    }

    /// Has SQLite tell the length of the write-ahead log after each commit, for ``framesInLog``. This takes
    /// the place of its own checkpoints, which would run within a commit.
    func watchLog() {
        _ = sqlite3_wal_hook(
            handle,
            { frames, _, _, count in
                frames?.assumingMemoryBound(to: Int32.self).pointee = count
                return SQLITE_OK
            }, walFrames)
    }

    var framesInLog: Int { Int(walFrames.pointee) }

    /// Moves the write-ahead log's content into the database; `truncating` also gives its space back.
    func checkpoint(truncating: Bool) throws(DatastoreError) {
        let mode = truncating ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE
        guard sqlite3_wal_checkpoint_v2(handle, nil, mode, nil, nil) == SQLITE_OK else { throw failure() }
        walFrames.pointee = 0
    }

    /// What just failed.
    func failure() -> DatastoreError {
        failureCode = sqlite3_extended_errcode(handle)
        return DatastoreError(sqlite: failureCode, String(cString: sqlite3_errmsg(handle)))
    }
}

extension DatastoreError {
    /// What a result code of SQLite's means to the log's callers.
    init(sqlite code: Int32, _ message: String) {
        self =
            switch code & 0xFF {
            case SQLITE_FULL: .full
            case SQLITE_CORRUPT, SQLITE_NOTADB: .corrupt(message)
            default: .unavailable("\(message) (SQLite code \(code))")
            }
    }
}
