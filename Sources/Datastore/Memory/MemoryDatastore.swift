public import Support

/// The log in memory: nothing is durable, everything else holds.
///
/// Used in tests and in the simulator, and in production for what need not survive a restart: events and node
/// leases on a single server. It compacts itself: history is a ring of bounded length.
public actor MemoryDatastore: Datastore {
    private var log: MemoryLog
    private var subscribers = Subscribers()
    private var isClosed = false
    private let published: PublishedRevisions

    /// - Parameter revision: the first write takes the next one. A server that starts anew begins above
    ///   everything it gave out before, so that a client which resumes from an old revision is told so
    ///   instead of missing changes.
    public init(startingAt revision: Revision = 0, history limit: HistoryLimit = HistoryLimit()) {
        precondition(revision >= 0, "revisions are not negative")
        log = MemoryLog(startingAt: revision, keeping: limit)
        published = PublishedRevisions(current: revision, compacted: revision)
    }

    /// Begins with these entries, in place of the writes that made them. They are in order of their keys, as a listing
    /// returns them; history begins after the newest.
    public init(holding entries: [Entry], history limit: HistoryLimit = HistoryLimit()) {
        log = MemoryLog(holding: entries, keeping: limit)
        published = PublishedRevisions(current: log.revision, compacted: log.revision)
    }

    public nonisolated var currentRevision: Revision { published.current }
    public nonisolated var compactedRevision: Revision { published.compacted }

    public func get(_ key: String) throws(DatastoreError) -> Entry? {
        try checkOpen()
        return log.get(key)
    }

    public func list(_ query: ListQuery) throws(DatastoreError) -> Listing {
        try checkOpen()
        return try log.list(query)
    }

    @discardableResult
    public func write(_ write: Write) throws(DatastoreError) -> Revision {
        try checkOpen()
        let change = try log.write(write)
        published.compacted = log.history.compacted
        subscribers.deliver([change])
        published.current = change.revision
        return change.revision
    }

    public func changes(after revision: Revision) throws(DatastoreError) -> [Change] {
        try checkOpen()
        return try log.changes(after: revision)
    }

    public func subscribe(
        after revision: Revision, _ sink: @escaping @Sendable ([Change]) -> Void
    ) throws(DatastoreError) -> any Subscription {
        try checkOpen()
        let past = try log.changes(after: revision)
        let delivery = Delivery(sink)
        // The actor lets no write in between the past and the first new change.
        if past.isEmpty || delivery.deliver(past) { subscribers.add(delivery) }
        return delivery
    }

    public func compact(upTo revision: Revision) throws(DatastoreError) {
        try checkOpen()
        try log.compact(upTo: revision)
        published.compacted = log.history.compacted
    }

    /// The bytes of keys and values, of the current state and of the history.
    public func size() throws(DatastoreError) -> ByteCount {
        try checkOpen()
        return ByteCount(Int64(log.currentBytes + log.history.bytes))
    }

    public func close() {
        isClosed = true
        subscribers.end()
    }

    private func checkOpen() throws(DatastoreError) {
        if isClosed { throw .unavailable("the datastore is closed") }
    }
}
