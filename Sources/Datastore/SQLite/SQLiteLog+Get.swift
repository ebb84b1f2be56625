extension SQLiteLog {
    func get(_ key: String) throws(DatastoreError) -> Entry? {
        try newestRow(of: key)?.entry
    }

    /// The row that holds the current version of a key; `nil` when there is none.
    func newestRow(of key: String) throws(DatastoreError) -> Row? {
        if let known = unindexed[key] {
            guard let revision = known else { return nil }
            return try row(at: revision, of: key)
        }
        guard let revision = try pointer(of: key) else { return nil }
        return try row(at: revision, of: key)
    }

    /// A row that must be there.
    func row(at revision: Revision, of key: String) throws(DatastoreError) -> Row {
        layout.row.bind(revision, at: 1)
        guard try layout.row.step() else { throw .corrupt("revision \(revision) of \(key) is missing") }
        defer { layout.row.reset() }
        let row = try read(layout.row)
        guard KeyOrder.compare(row.key, key) == 0 else {
            throw .corrupt("revision \(revision) is of \(row.key), not of \(key)")
        }
        return row
    }

    /// The row a statement stands on, as it was written.
    func read(_ statement: Statement) throws(DatastoreError) -> Row {
        let row = Row(
            revision: statement.int(0), previous: statement.int(1), created: statement.int(2),
            key: statement.text(4), value: statement.bytes(5))
        guard row.sum == statement.int(3) else {
            throw .corrupt("revision \(row.revision) does not read back as it was written")
        }
        return row
    }
}
