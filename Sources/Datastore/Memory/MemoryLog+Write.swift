extension MemoryLog {
    /// Applies one compare-and-set and returns the change it made.
    mutating func write(_ write: Write) throws(DatastoreError) -> Change {
        let found = current[write.key]
        guard found?.revision ?? 0 == write.expected else {
            throw .conflict(current: found?.entry(write.key))
        }
        revision += 1
        let version = write.value.map {
            Version(value: $0, revision: revision, createdRevision: found?.createdRevision ?? revision)
        }
        current[write.key] = version
        currentBytes += size(write.key, version) - size(write.key, found)
        let change = Change(
            key: write.key, revision: revision, entry: version?.entry(write.key),
            previous: found?.entry(write.key))
        history.append(change)
        return change
    }

    private func size(_ key: String, _ version: Version?) -> Int {
        version.map { key.utf8.count + $0.value.count } ?? 0
    }
}
