import CSQLite

extension SQLiteLog {
    /// What became of a group of writes.
    struct Outcome {
        /// One for each write, in order.
        var results: [Result<Revision, DatastoreError>]
        /// What was committed, oldest first.
        var changes: [Change]
    }

    /// Commits the writes as one transaction with one fsync. A write that is refused does not hold up the
    /// others; when the medium fails, all of them fail.
    func commit(_ writes: [Write]) -> Outcome {
        let before = revision
        var group = Group()
        do throws(DatastoreError) {
            if let breakdown { throw breakdown }
            let hasRoom = limits.size == .max ? true : try size() < limits.size
            try connection.transaction { () throws(DatastoreError) in
                for write in writes { try apply(write, hasRoom: hasRoom, &group) }
            }
            return Outcome(results: group.results, changes: group.changes)
        } catch {
            noteBreakdown()
            revision = before
            for (key, known) in group.undo.reversed() { unindexed[key] = known }
            return Outcome(results: writes.map { _ in .failure(error) }, changes: [])
        }
    }

    private struct Group {
        var results: [Result<Revision, DatastoreError>] = []
        var changes: [Change] = []
        /// What ``SQLiteLog/unindexed`` said before.
        var undo: [(key: String, known: Revision??)] = []
    }

    /// Applies one write within the open transaction. Throws only when the medium fails.
    private func apply(_ write: Write, hasRoom: Bool, _ group: inout Group) throws(DatastoreError) {
        let found = try newestRow(of: write.key)
        guard found?.revision ?? 0 == write.expected else {
            return group.results.append(.failure(.conflict(current: found?.entry)))
        }
        guard hasRoom || write.value == nil else { return group.results.append(.failure(.full)) }
        let next = revision + 1
        let row = Row(
            revision: next, previous: write.expected, created: found?.created ?? next, key: write.key,
            value: write.value)
        try append(row)
        revision = next
        group.undo.append((write.key, unindexed[write.key]))
        unindexed[write.key] = .some(row.value == nil ? nil : next)
        group.results.append(.success(next))
        group.changes.append(
            Change(key: write.key, revision: next, entry: row.entry, previous: found?.entry))
    }

    private func append(_ row: Row) throws(DatastoreError) {
        let append = layout.append
        append.bind(row.revision, at: 1)
        append.bind(row.previous, at: 2)
        append.bind(row.created, at: 3)
        append.bind(row.sum, at: 4)
        append.bind(row.key, at: 5)
        append.bind(row.value, at: 6)
        try append.run()
    }

    /// After a failed fsync nobody knows what the medium holds, and a second fsync may lie: Linux reports the
    /// loss of a page once and then takes the page for clean. Only reading everything anew, at the next
    /// start, is safe.
    func noteBreakdown() {
        let (failedFsync, failedDirectoryFsync) = (SQLITE_IOERR | (4 << 8), SQLITE_IOERR | (5 << 8))
        guard [failedFsync, failedDirectoryFsync].contains(connection.failureCode) else { return }
        breakdown = .unavailable("the disk failed to store a write; the datastore must be opened again")
    }
}
