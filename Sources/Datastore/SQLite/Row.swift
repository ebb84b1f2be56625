/// One row of the table `log`: what one write did to one key.
struct Row: Equatable {
    var revision: Revision
    /// The revision of the version that was replaced; 0 when there was none.
    var previous: Revision
    /// The revision that created the key.
    var created: Revision
    var key: String
    /// `nil` when the key was deleted.
    var value: [UInt8]?

    /// The version this row holds; `nil` for a deletion.
    var entry: Entry? {
        value.map { Entry(key: key, value: $0, revision: revision, createdRevision: created) }
    }

    /// A 32-bit sum of all that the row says.
    var sum: Int64 {
        var sum = Sum()
        sum.add(revision)
        sum.add(previous)
        sum.add(created)
        sum.add(value == nil ? Int64(0) : 1)
        sum.add(key)
        value?.withUnsafeBytes { sum.add($0) }
        return sum.folded
    }
}
