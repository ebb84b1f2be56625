extension SQLiteLog {
    /// A page of the state as of the query's revision.
    func list(_ query: ListQuery) throws(DatastoreError) -> Listing {
        let wanted = query.revision ?? revision
        try checkReadable(wanted)
        let start = query.start
        let base = start.isInclusive ? layout.scan : layout.scanAfter
        base.bind(start.key, at: 1)
        base.bind(text: KeyOrder.end(of: query.prefix), at: 2)
        defer { base.reset() }
        let overlay = try overlay(at: wanted, query.prefix)
        var scan = try OverlaidScan<Revision, DatastoreError>(
            overlay: overlay.elements(from: start.key, inclusive: start.isInclusive)
        ) { () throws(DatastoreError) in
            try base.step() ? (base.text(0), base.int(1)) : nil
        }
        var entries: [Entry] = []
        while let (key, revision) = try scan.next(), KeyOrder.hasPrefix(key, query.prefix) {
            if let limit = query.limit, entries.count == limit {
                return Listing(entries: entries, revision: wanted, hasMore: true)
            }
            guard let entry = try row(at: revision, of: key).entry else {
                throw .corrupt("\(key) points to its deletion at revision \(revision)")
            }
            entries.append(entry)
        }
        return Listing(entries: entries, revision: wanted, hasMore: false)
    }

    /// What differs between the table `current` and the state at a revision.
    private func overlay(
        at wanted: Revision, _ prefix: String
    ) throws(DatastoreError) -> OrderedMap<Revision?> {
        var overlay = unindexed
        guard wanted < revision else { return overlay }
        let undone = layout.undone
        undone.bind(wanted, at: 1)
        undone.bind(prefix, at: 2)
        undone.bind(text: KeyOrder.end(of: prefix), at: 3)
        defer { undone.reset() }
        // Newest first, so that the oldest replacement after the wanted revision has the last word.
        while try undone.step() {
            let previous = undone.int(1)
            overlay[undone.text(0)] = .some(previous == 0 ? nil : previous)
        }
        return overlay
    }
}
