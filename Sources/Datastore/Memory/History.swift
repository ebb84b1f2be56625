/// The recent changes, one for each revision after ``compacted``, bounded in number and in bytes.
///
/// Revisions are dense, so that the change of a revision is found by subtraction.
struct History: Sendable {
    let limit: HistoryLimit
    /// Everything up to and including this revision is gone.
    private(set) var compacted: Revision
    /// The bytes of values and keys that the kept changes hold.
    private(set) var bytes = 0
    /// Changes before `first` are dropped; the array is cut when they outnumber the kept ones, so that
    /// dropping costs the same however long the history is.
    private var changes: [Change?] = []
    private var first = 0

    init(after revision: Revision, limit: HistoryLimit) {
        compacted = revision
        self.limit = limit
    }

    private var count: Int { changes.count - first }

    mutating func append(_ change: Change) {
        precondition(change.revision == compacted + Revision(count) + 1, "revisions are dense")
        changes.append(change)
        bytes += size(change)
        while count > limit.changes || (bytes > limit.bytes && count > 1) { dropFirst() }
        cut()
    }

    /// The kept changes after `revision`, oldest first.
    func changes(after revision: Revision) -> [Change] {
        precondition(revision >= compacted, "the caller checks what is kept")
        return changes[(first + Int(revision - compacted))...].compactMap(\.self)
    }

    mutating func drop(upTo revision: Revision) {
        while compacted < revision, count > 0 { dropFirst() }
        cut()
    }

    private mutating func dropFirst() {
        if let change = changes[first] { bytes -= size(change) }
        changes[first] = nil
        first += 1
        compacted += 1
    }

    private mutating func cut() {
        guard first > count else { return }
        changes.removeFirst(first)
        first = 0
    }

    private func size(_ change: Change) -> Int {
        change.key.utf8.count + (change.entry?.value.count ?? 0) + (change.previous?.value.count ?? 0)
    }
}
