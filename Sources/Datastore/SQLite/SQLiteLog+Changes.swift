extension SQLiteLog {
    /// At most `limit` changes after `revision`, oldest first.
    func changes(after revision: Revision, limit: Int) throws(DatastoreError) -> [Change] {
        try checkReadable(revision)
        let rows = layout.rows
        rows.bind(revision, at: 1)
        rows.bind(Int64(limit), at: 2)
        defer { rows.reset() }
        var changes: [Change] = []
        while try rows.step() {
            let row = try read(rows)
            guard row.revision == revision + Revision(changes.count) + 1 else {
                throw .corrupt("the change before revision \(row.revision) is missing")
            }
            let previous = row.previous == 0 ? nil : try self.row(at: row.previous, of: row.key).entry
            changes.append(Change(key: row.key, revision: row.revision, entry: row.entry, previous: previous))
        }
        return changes
    }

    /// Refuses a revision whose state cannot be known any more, or not yet.
    func checkReadable(_ revision: Revision) throws(DatastoreError) {
        guard revision >= meta.compacted else { throw .compacted(oldest: meta.compacted) }
        guard revision <= self.revision else { throw .future(current: self.revision) }
    }
}
