extension SQLiteLog {
    /// What a group leaves to be done after its writers have their answers.
    func settle() {
        if unindexed.count >= nextIndexing { indexNow() }
        checkpointIfDue()
    }

    private func indexNow() {
        do throws(DatastoreError) {
            try index()
            nextIndexing = limits.unindexedKeys
        } catch {
            // Nothing is lost: memory still knows. On a full disk it tries again after some more writes.
            noteBreakdown()
            nextIndexing = unindexed.count + limits.unindexedKeys / 4
        }
    }

    /// Brings `current` up to date.
    ///
    /// The keys are written in their order, so that neighbours share a page: one page write for many writes.
    func index() throws(DatastoreError) {
        guard indexed < revision else { return }
        try connection.transaction { () throws(DatastoreError) in
            for (key, revision) in unindexed.elements(from: "") {
                if let revision {
                    layout.point.bind(key, at: 1)
                    layout.point.bind(revision, at: 2)
                    try layout.point.run()
                } else {
                    layout.unpoint.bind(key, at: 1)
                    try layout.unpoint.run()
                }
            }
            try setMeta("indexed", revision)
        }
        indexed = revision
        unindexed.removeAll()
    }

    func setMeta(_ name: String, _ number: Int64) throws(DatastoreError) {
        layout.setMeta.bind(name, at: 1)
        layout.setMeta.bind(number, at: 2)
        try layout.setMeta.run()
    }
}
