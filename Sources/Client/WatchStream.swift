public import APIMachinery

/// One event of a watch.
public enum WatchEvent: Sendable {
    case added(StoredObject)
    case modified(StoredObject)
    /// The object's last state, with the revision of its deletion.
    case deleted(StoredObject)
    /// Nothing of interest happened up to this revision.
    case bookmark(revision: Int64)
}

/// The events of a watch, in batches as they come. It ends when the server ends it: watch again from the last revision.
///
/// Dropping the stream, or cancelling its consumer, ends the watch.
public struct WatchStream: AsyncSequence, Sendable {
    public typealias Element = [WatchEvent]
    public typealias Failure = Status

    private let next: @Sendable () async throws(Status) -> [WatchEvent]?

    /// `next` waits for the next batch; `nil` ends the stream. It is called by one consumer, not concurrently.
    public init(next: @escaping @Sendable () async throws(Status) -> [WatchEvent]?) {
        self.next = next
    }

    public func makeAsyncIterator() -> Iterator { Iterator(next: next) }

    public struct Iterator: AsyncIteratorProtocol {
        public typealias Failure = Status
        fileprivate let next: @Sendable () async throws(Status) -> [WatchEvent]?

        public mutating func next() async throws(Status) -> [WatchEvent]? { try await next() }

        public mutating func next(isolation: isolated (any Actor)?) async throws(Status) -> [WatchEvent]? {
            try await next()
        }
    }
}
