public import Support

/// A position in the log. Every committed write takes the next one; 0 is before all writes.
public typealias Revision = Int64

/// The log: all state of the cluster as a revisioned sequence of key/value changes.
///
/// Nine verbs, one file each in every driver. All drivers pass the same laws (`checkDatastore` in
/// `DatastoreTestSupport`):
///
/// - **Order.** Writes are totally ordered by ``Revision``; revisions grow, and are never given twice, also
///   across a restart and a crash.
/// - **Compare and set.** A write names the revision it replaces; it succeeds against exactly that one.
/// - **Durability.** When ``write(_:)`` returns, the change survives `kill -9` and, for durable drivers,
///   power loss.
/// - **Read your writes.** Every sink has been given a change before the write that caused it returns.
/// - **No history, no cost.** The time and space of reads and writes depend on what is stored now,
///   not on what was written and deleted before.
public protocol Datastore: Sendable {
    /// The revision of the newest committed change that every sink has been given.
    var currentRevision: Revision { get }

    /// Changes up to and including this revision are gone. The state at this revision is the oldest that can
    /// be read, and the changes after it the oldest that can be asked for; anything before it is refused. 0
    /// when nothing was compacted.
    var compactedRevision: Revision { get }

    /// The current version of `key`, or `nil`.
    func get(_ key: String) async throws(DatastoreError) -> Entry?

    /// The entries whose key begins with `query.prefix`, in order of the keys' UTF-8 bytes.
    func list(_ query: ListQuery) async throws(DatastoreError) -> Listing

    /// Commits one change and returns its revision.
    ///
    /// Many tasks may write at once: a driver commits those that wait as one group, with one fsync.
    /// - Throws: ``DatastoreError/conflict(current:)`` when the key is not at the expected revision.
    @discardableResult
    func write(_ write: Write) async throws(DatastoreError) -> Revision

    /// All changes after `revision`, oldest first, as far as they are committed now.
    /// - Throws: ``DatastoreError/compacted(oldest:)`` when some of them are gone.
    func changes(after revision: Revision) async throws(DatastoreError) -> [Change]

    /// Delivers every change after `revision` to `sink`: first those of the past, then each new one.
    ///
    /// The sink is called in order of revision, with no gap, no repetition and never concurrently, on a
    /// thread of the driver's choice. It must return quickly, and must neither call the datastore nor cancel
    /// its subscription. A write returns only after the sinks have seen it.
    /// - Throws: ``DatastoreError/compacted(oldest:)`` when some of the changes are gone.
    func subscribe(
        after revision: Revision, _ sink: @escaping @Sendable ([Change]) -> Void
    ) async throws(DatastoreError) -> any Subscription

    /// Forgets history up to and including `revision`; the current state is not touched.
    ///
    /// Works in small steps that let writers through, and always makes progress: a step that was done stays
    /// done, also across a crash. Returns when the space is given back, but for a small reserve that the next
    /// writes use.
    /// - Throws: ``DatastoreError/future(current:)`` when the log has not come that far.
    func compact(upTo revision: Revision) async throws(DatastoreError)

    /// The size of what is stored, as the driver's medium counts it.
    func size() async throws(DatastoreError) -> ByteCount

    /// Commits what waits, ends the subscriptions and releases the medium. Later calls fail with
    /// `unavailable`.
    func close() async
}

/// One version of one key.
public struct Entry: Sendable, Equatable {
    public var key: String
    public var value: [UInt8]
    /// The revision that wrote this version.
    public var revision: Revision
    /// The revision that created the key, kept by updates.
    public var createdRevision: Revision

    public init(key: String, value: [UInt8], revision: Revision, createdRevision: Revision) {
        self.key = key
        self.value = value
        self.revision = revision
        self.createdRevision = createdRevision
    }
}

/// One wish to change one key, guarded by the revision it expects to find.
public struct Write: Sendable, Equatable {
    public var key: String
    /// The new value; `nil` deletes the key.
    public var value: [UInt8]?
    /// The revision of the version to replace; 0 when the key must not exist.
    public var expected: Revision

    public static func create(_ key: String, _ value: [UInt8]) -> Write {
        Write(key: key, value: value, expected: 0)
    }

    public static func update(_ key: String, _ value: [UInt8], at revision: Revision) -> Write {
        precondition(revision > 0, "an update replaces an existing version")
        return Write(key: key, value: value, expected: revision)
    }

    public static func delete(_ key: String, at revision: Revision) -> Write {
        precondition(revision > 0, "a delete removes an existing version")
        return Write(key: key, value: nil, expected: revision)
    }

    private init(key: String, value: [UInt8]?, expected: Revision) {
        self.key = key
        self.value = value
        self.expected = expected
    }
}

/// One committed change.
public struct Change: Sendable, Equatable {
    public var key: String
    public var revision: Revision
    /// The version written; `nil` when the key was deleted.
    public var entry: Entry?
    /// The version that was replaced or deleted; `nil` for a creation.
    public var previous: Entry?

    public init(key: String, revision: Revision, entry: Entry?, previous: Entry?) {
        self.key = key
        self.revision = revision
        self.entry = entry
        self.previous = previous
    }
}

/// What to list.
public struct ListQuery: Sendable, Equatable {
    public var prefix: String
    /// Only keys greater than this one: the last key of the page before.
    public var after: String?
    /// The most entries to return, at least one; `nil` for all.
    public var limit: Int?
    /// The state as of this revision; `nil` for the current one.
    public var revision: Revision?

    public init(prefix: String, after: String? = nil, limit: Int? = nil, at revision: Revision? = nil) {
        precondition(limit.map { $0 > 0 } ?? true, "a page holds at least one entry")
        self.prefix = prefix
        self.after = after
        self.limit = limit
        self.revision = revision
    }
}

/// A page of entries, all as of one revision.
public struct Listing: Sendable, Equatable {
    public var entries: [Entry]
    /// The state's revision. Subscribing after it misses nothing.
    public var revision: Revision
    /// Whether entries beyond the limit exist.
    public var hasMore: Bool

    public init(entries: [Entry], revision: Revision, hasMore: Bool) {
        self.entries = entries
        self.revision = revision
        self.hasMore = hasMore
    }
}

/// A running delivery of changes. It ends when cancelled, or when the datastore closes.
public protocol Subscription: Sendable {
    /// After this returns the sink is not called again. May wait for a call that is under way.
    func cancel()
}

/// Why the log refused.
public enum DatastoreError: Error, Sendable, Equatable {
    /// The key is at another revision than expected; `current` is what is there now.
    case conflict(current: Entry?)
    /// The history that was asked for is gone; `oldest` is the first revision that can still be asked for.
    case compacted(oldest: Revision)
    /// The revision that was asked for lies in the future.
    case future(current: Revision)
    /// The medium is out of space. Nothing was changed; reading still works.
    case full
    /// The medium cannot be reached, or is closed. A write may or may not have happened.
    case unavailable(String)
    /// What was read is not what was written.
    case corrupt(String)
}
