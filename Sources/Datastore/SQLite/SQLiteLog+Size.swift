import Glibc

extension SQLiteLog {
    /// Bytes of the database and of its write-ahead log.
    func size() throws(DatastoreError) -> Int64 {
        try pages() * Self.pageSize + logSize()
    }

    func pages() throws(DatastoreError) -> Int64 { try number(layout.pageCount) }

    func freePages() throws(DatastoreError) -> Int64 { try number(layout.freePages) }

    private func number(_ pragma: Statement) throws(DatastoreError) -> Int64 {
        defer { pragma.reset() }
        return try pragma.step() ? pragma.int(0) : 0
    }

    private func logSize() -> Int64 {
        var status = stat()
        return stat(path + "-wal", &status) == 0 ? Int64(status.st_size) : 0
    }
}
