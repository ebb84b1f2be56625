/// The one row of the table `meta`: how far each part of the driver's work has come.
struct Meta: Equatable {
    /// Changes up to here are forgotten.
    var compacted: Revision = 0
    /// Compaction has removed what it should up to here; behind ``compacted`` while it has work left.
    var swept: Revision = 0
    /// The table `current` says all up to here.
    var indexed: Revision = 0
    /// The sum over all that `current` says. Added to and taken from, so that a change costs the same however
    /// much is stored; compared with the table at start.
    var digest: Int64 = 0

    var sum: Int64 {
        var sum = Sum()
        for number in [compacted, swept, indexed, digest] { sum.add(number) }
        return sum.whole
    }

    /// What one row of `current` adds to the digest.
    static func share(of key: String, at revision: Revision) -> Int64 {
        var sum = Sum()
        sum.add(key)
        sum.add(revision)
        return sum.whole
    }
}

extension SQLiteLog {
    /// Stores the row within the open transaction.
    func write(_ meta: Meta) throws(DatastoreError) {
        let numbers = [meta.compacted, meta.swept, meta.indexed, meta.digest, meta.sum]
        for (index, number) in numbers.enumerated() { layout.setMeta.bind(number, at: Int32(index) + 1) }
        try layout.setMeta.run()
    }

    func readMeta() throws(DatastoreError) -> Meta {
        let row = try connection.prepare("SELECT compacted, swept, indexed, digest, sum FROM meta")
        guard try row.step() else { throw .corrupt("the row of the table meta is missing") }
        defer { row.reset() }
        let meta = Meta(compacted: row.int(0), swept: row.int(1), indexed: row.int(2), digest: row.int(3))
        guard meta.sum == row.int(4) else {
            throw .corrupt("the table meta does not read back as it was written")
        }
        return meta
    }
}
