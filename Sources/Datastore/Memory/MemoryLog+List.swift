extension MemoryLog {
    /// A page of the state as of the query's revision.
    func list(_ query: ListQuery) throws(DatastoreError) -> Listing {
        let wanted = query.revision ?? revision
        try checkReadable(wanted)
        let start = query.start
        var base = current.elements(from: start.key, inclusive: start.isInclusive)
        var scan = OverlaidScan<Version, Never>(
            overlay: undo(to: wanted, query.prefix).elements(from: start.key, inclusive: start.isInclusive)
        ) { base.next() }
        var entries: [Entry] = []
        while let (key, version) = scan.next(), KeyOrder.hasPrefix(key, query.prefix) {
            if let limit = query.limit, entries.count == limit {
                return Listing(entries: entries, revision: wanted, hasMore: true)
            }
            entries.append(version.entry(key))
        }
        return Listing(entries: entries, revision: wanted, hasMore: false)
    }

    /// What differs between the current state and that of an older revision: the versions that were replaced
    /// since.
    private func undo(to wanted: Revision, _ prefix: String) -> OrderedMap<Version?> {
        var undo = OrderedMap<Version?>()
        // Newest first, so that the oldest replacement after the wanted revision has the last word.
        for change in history.changes(after: wanted).reversed() where KeyOrder.hasPrefix(change.key, prefix) {
            undo[change.key] = .some(
                change.previous.map {
                    Version(value: $0.value, revision: $0.revision, createdRevision: $0.createdRevision)
                })
        }
        return undo
    }
}
