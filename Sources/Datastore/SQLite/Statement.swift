import CSQLite

/// A prepared statement of a ``Connection``: bind, step, read columns, reset.
struct Statement {
    let handle: OpaquePointer
    private unowned let connection: Connection

    init(_ handle: OpaquePointer, of connection: Connection) {
        self.handle = handle
        self.connection = connection
    }

    /// Whether there is a row to read. At the end, and on failure, the statement is ready to be used again.
    func step() throws(DatastoreError) -> Bool {
        switch sqlite3_step(handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE:
            sqlite3_reset(handle)
            return false
        default:
            let error = connection.failure()
            sqlite3_reset(handle)
            throw error
        }
    }

    /// Runs a statement that gives no rows.
    func run() throws(DatastoreError) {
        while try step() {}
    }

    /// Makes the statement ready again before it has given its last row.
    func reset() { sqlite3_reset(handle) }

    // SQLite counts parameters from 1 and columns from 0.

    func bind(_ value: Int64, at index: Int32) { sqlite3_bind_int64(handle, index, value) }

    func bind(_ key: String, at index: Int32) { KeyOrder.withBytes(of: key) { bind(text: $0, at: index) } }

    /// Bytes that are compared with texts, though they need not be one: the end of a range of keys.
    func bind(text bytes: [UInt8], at index: Int32) {
        bytes.withUnsafeBufferPointer { bind(text: $0, at: index) }
    }

    private func bind(text bytes: UnsafeBufferPointer<UInt8>, at index: Int32) {
        bytes.withMemoryRebound(to: CChar.self) { text in
            // An empty buffer may have no address, which SQLite would take for NULL.
            let address = text.baseAddress
            if let address, !text.isEmpty {
                sqlite3_bind_text(handle, index, address, Int32(text.count), copying)
            } else {
                sqlite3_bind_text(handle, index, "", 0, copying)
            }
        }
    }

    func bind(_ value: [UInt8]?, at index: Int32) {
        guard let value else { return ignore(sqlite3_bind_null(handle, index)) }
        guard !value.isEmpty else { return ignore(sqlite3_bind_zeroblob(handle, index, 0)) }
        value.withUnsafeBytes {
            ignore(sqlite3_bind_blob(handle, index, $0.baseAddress, Int32($0.count), copying))
        }
    }

    func int(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }

    func text(_ column: Int32) -> String {
        guard let bytes = sqlite3_column_text(handle, column) else { return "" }
        let count = Int(sqlite3_column_bytes(handle, column))
        return String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
    }

    func bytes(_ column: Int32) -> [UInt8]? {
        guard sqlite3_column_type(handle, column) != SQLITE_NULL else { return nil }
        guard let bytes = sqlite3_column_blob(handle, column) else { return [] }
        return Array(UnsafeRawBufferPointer(start: bytes, count: Int(sqlite3_column_bytes(handle, column))))
    }

    /// Tells SQLite to copy what is bound; C has it as the macro `SQLITE_TRANSIENT`.
    private var copying: sqlite3_destructor_type { unsafeBitCast(-1, to: sqlite3_destructor_type.self) }

    /// Binding fails only for a wrong index or a value beyond SQLite's limit of 1 GB, and then `step` says
    /// so.
    private func ignore(_ code: Int32) {}
}
