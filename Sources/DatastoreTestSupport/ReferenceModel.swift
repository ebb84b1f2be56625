import Datastore

/// The log in its simplest form: a list of all changes ever made, searched from end to end for every answer.
///
/// Nothing is fast here and nothing is clever, so that it can be seen to be right.
struct ReferenceModel {
    private(set) var history: [Change] = []
    private(set) var compacted: Revision = 0
    /// The revision given to the next write is the driver's to choose; the model takes what the driver said.
    var revision: Revision { history.last?.revision ?? 0 }

    /// What a write must lead to: the change, or the refusal.
    func expect(_ write: Write) -> Result<Void, DatastoreError> {
        let found = get(write.key)
        return found?.revision ?? 0 == write.expected ? .success(()) : .failure(.conflict(current: found))
    }

    /// Records that the driver accepted a write.
    mutating func accept(_ write: Write, at revision: Revision) {
        let previous = get(write.key)
        let entry = write.value.map {
            Entry(
                key: write.key, value: $0, revision: revision,
                createdRevision: previous?.createdRevision ?? revision)
        }
        history.append(Change(key: write.key, revision: revision, entry: entry, previous: previous))
    }

    func get(_ key: String, at revision: Revision = .max) -> Entry? {
        history.last { Array($0.key.utf8) == Array(key.utf8) && $0.revision <= revision }?.entry
    }

    func list(_ query: ListQuery) -> Result<Listing, DatastoreError> {
        let wanted = query.revision ?? revision
        if let refusal = refusal(of: wanted) { return .failure(refusal) }
        let keys = Set(history.filter { $0.revision <= wanted }.map { Array($0.key.utf8) })
            .filter { $0.starts(with: query.prefix.utf8) }
            .filter { key in query.after.map { Array($0.utf8).lexicographicallyPrecedes(key) } ?? true }
            .sorted { $0.lexicographicallyPrecedes($1) }
        let entries = keys.compactMap { get(String(decoding: $0, as: UTF8.self), at: wanted) }
        let page = query.limit.map { Array(entries.prefix($0)) } ?? entries
        return .success(Listing(entries: page, revision: wanted, hasMore: page.count < entries.count))
    }

    func changes(after revision: Revision) -> Result<[Change], DatastoreError> {
        refusal(of: revision).map { .failure($0) } ?? .success(history.filter { $0.revision > revision })
    }

    mutating func compact(upTo revision: Revision) { compacted = max(compacted, revision) }

    private func refusal(of revision: Revision) -> DatastoreError? {
        if revision < compacted { return .compacted(oldest: compacted) }
        return revision > self.revision ? .future(current: self.revision) : nil
    }
}
