extension SQLiteLog {
    /// What a group leaves to be done after its writers have their answers.
    func settle() {
        indexIfDue()
        checkpointIfDue()
    }

    private func indexIfDue() {
        // Few keys that are written again and again fill the log and not the map, hence the second bound.
        let isDue =
            unindexed.count >= limits.unindexedKeys
            || revision - meta.indexed >= 2 * Int64(limits.unindexedKeys)
        guard isDue, revision >= nextIndexing else { return }
        do throws(DatastoreError) {
            try index()
        } catch {
            // Nothing is lost: memory still knows.
            noteBreakdown()
            nextIndexing = revision + Int64(limits.unindexedKeys) / 4
        }
    }

    /// Brings `current` up to date.
    ///
    /// The keys are written in their order, so that neighbours share a page: one page write for many writes.
    func index() throws(DatastoreError) {
        guard meta.indexed < revision else { return }
        var next = meta
        next.indexed = revision
        try connection.transaction { () throws(DatastoreError) in
            for (key, revision) in unindexed.elements(from: "") {
                if let old = try pointer(of: key) { next.digest &-= Meta.share(of: key, at: old) }
                if let revision { next.digest &+= Meta.share(of: key, at: revision) }
                try point(key, to: revision)
            }
            try write(next)
        }
        meta = next
        unindexed.removeAll()
    }

    /// The row that `current` names for a key.
    func pointer(of key: String) throws(DatastoreError) -> Revision? {
        layout.pointed.bind(key, at: 1)
        guard try layout.pointed.step() else { return nil }
        defer { layout.pointed.reset() }
        return layout.pointed.int(0)
    }

    private func point(_ key: String, to revision: Revision?) throws(DatastoreError) {
        guard let revision else {
            layout.unpoint.bind(key, at: 1)
            return try layout.unpoint.run()
        }
        layout.point.bind(key, at: 1)
        layout.point.bind(revision, at: 2)
        try layout.point.run()
    }
}
