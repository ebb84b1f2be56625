extension SQLiteLog {
    /// Promises to forget the past up to `revision`. ``maintain()`` does the work.
    func compact(upTo revision: Revision) throws(DatastoreError) {
        guard revision <= self.revision else { throw .future(current: self.revision) }
        if revision > meta.compacted {
            // A deletion's row may go only when `current` no longer names the key.
            try index()
            var next = meta
            next.compacted = revision
            try connection.transaction { () throws(DatastoreError) in try write(next) }
            meta = next
        }
        isVacuumDue = true
    }

    /// Whether ``maintain()`` has something to do.
    var needsMaintenance: Bool { meta.swept < meta.compacted || isVacuumDue }

    /// Does one small step of compaction: removes rows, then gives pages back, then empties the write-ahead
    /// log.
    ///
    /// Each step is a transaction, so that what was done stays done, and the next start goes on from there.
    func maintain() throws(DatastoreError) {
        if meta.swept < meta.compacted { return try sweep() }
        let surplus = try freePages() - reserve()
        if surplus > 0 { return try vacuum(min(surplus, Int64(limits.vacuumPages))) }
        try connection.checkpoint(truncating: true)
        nextCheckpoint = limits.logPages
        isVacuumDue = false
    }

    /// Removes the versions that changes up to ``Meta/compacted`` replaced, and the deletions among these
    /// changes.
    private func sweep() throws(DatastoreError) {
        let superseded = layout.superseded
        superseded.bind(meta.swept, at: 1)
        superseded.bind(meta.compacted, at: 2)
        superseded.bind(Int64(limits.sweepRows), at: 3)
        var victims: [(revision: Revision, key: String)] = []
        var (last, seen) = (meta.swept, 0)
        while try superseded.step() {
            (last, seen) = (superseded.int(0), seen + 1)
            let key = superseded.text(2)
            if superseded.int(1) != 0 { victims.append((superseded.int(1), key)) }
            if superseded.int(3) != 0 { victims.append((last, key)) }
        }
        var next = meta
        next.swept = seen < limits.sweepRows ? meta.compacted : last
        try connection.transaction { () throws(DatastoreError) in
            for victim in victims {
                layout.drop.bind(victim.revision, at: 1)
                layout.drop.bind(victim.key, at: 2)
                try layout.drop.run()
            }
            try write(next)
        }
        meta = next
        isVacuumDue = true
    }

    /// Moves pages from the end of the file into free ones, and cuts the file.
    private func vacuum(_ pages: Int64) throws(DatastoreError) {
        try connection.execute("PRAGMA incremental_vacuum(\(pages))")
    }

    /// Free pages worth keeping: the next writes take them, and giving back costs writes as well.
    private func reserve() throws(DatastoreError) -> Int64 {
        max(64, (try pages() - freePages()) / 8)
    }

    /// Moves the write-ahead log into the database when it has grown to its bound.
    ///
    /// Not done within a commit, as SQLite would by itself: nobody's write waits for it, only the next group
    /// may.
    func checkpointIfDue() {
        guard connection.framesInLog >= nextCheckpoint else { return }
        do throws(DatastoreError) {
            try connection.checkpoint(truncating: false)
            nextCheckpoint = limits.logPages
        } catch {
            // Nothing is lost: the log keeps its content and grows. On a full disk its growth fails, and
            // tells.
            noteBreakdown()
            nextCheckpoint = connection.framesInLog + limits.logPages / 4
        }
    }
}
