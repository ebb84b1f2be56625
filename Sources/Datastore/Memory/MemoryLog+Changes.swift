extension MemoryLog {
    /// The changes after `revision`, oldest first.
    func changes(after revision: Revision) throws(DatastoreError) -> [Change] {
        try checkReadable(revision)
        return history.changes(after: revision)
    }

    /// Forgets the changes up to and including `revision`; what was forgotten already stays forgotten.
    mutating func compact(upTo revision: Revision) throws(DatastoreError) {
        guard revision <= self.revision else { throw .future(current: self.revision) }
        history.drop(upTo: revision)
    }

    /// Refuses a revision whose state cannot be known any more, or not yet.
    func checkReadable(_ revision: Revision) throws(DatastoreError) {
        guard revision >= history.compacted else { throw .compacted(oldest: history.compacted) }
        guard revision <= self.revision else { throw .future(current: self.revision) }
    }
}
