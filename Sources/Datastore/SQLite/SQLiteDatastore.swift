import Glibc
public import Support
import Synchronization

/// The log in an embedded SQLite database: the default driver.
///
/// A write is durable when it returns. All who write at the same time share one fsync. The driver has one
/// thread and one connection (``CommitThread``), writes nothing at rest, and keeps no values in memory.
///
/// Revisions are dense. A database is open in one process at a time; the file's mode is 0600. Beside it
/// SQLite keeps its write-ahead log (`-wal`), which goes away when the database is closed in order.
public final class SQLiteDatastore: Datastore {
    private let mailbox = Mailbox()
    private let published: PublishedRevisions
    private let isEnded: Mutex<Ending>

    private enum Ending {
        case running(waiting: [UnsafeContinuation<Void, Never>])
        case ended
    }

    /// Opens the database, and makes it when the path does not exist. Its directory must.
    ///
    /// - Parameter sizeLimit: beyond this size of the file, writes other than deletions fail with
    ///   ``DatastoreError/full``; `nil` leaves it to the disk.
    /// - Throws: a fault that names the path: `corrupt` when the database is damaged, `invalid` when the file
    ///   is not a database of ours, `unsupported` when it is one of another k3s, which is not touched,
    ///   `denied` when it cannot be written, `unavailable` when another process has it open, `full` when
    ///   there is no room.
    public convenience init(path: String, sizeLimit: ByteCount? = nil) throws(Fault) {
        var limits = SQLiteLog.Limits()
        if let sizeLimit { limits.size = sizeLimit.bytes }
        try self.init(path: path, limits: limits)
    }

    init(path: String, limits: SQLiteLog.Limits, vfs: String? = nil) throws(Fault) {
        let file = try DatabaseFile.prepare(path)
        let log: SQLiteLog
        do throws(Fault) {
            log = try SQLiteLog.open(file, limits: limits, vfs: vfs)
        } catch {
            file.release()
            throw error
        }
        published = PublishedRevisions(current: log.revision, compacted: log.meta.compacted)
        isEnded = Mutex(.running(waiting: []))
        let owner = CommitThread(log, file, mailbox, published)
        let code = CommitThread.start(owner) { [weak self] in self?.end() }
        guard code == 0 else {
            log.close()
            file.release()
            throw Fault(.failed, "no thread could be started: \(String(cString: strerror(code)))")
        }
    }

    deinit { mailbox.close() }

    public var currentRevision: Revision { published.current }
    public var compactedRevision: Revision { published.compacted }

    public func get(_ key: String) async throws(DatastoreError) -> Entry? {
        try await onThread { owner throws(DatastoreError) in try owner.log.get(key) }
    }

    public func list(_ query: ListQuery) async throws(DatastoreError) -> Listing {
        try await onThread { owner throws(DatastoreError) in try owner.log.list(query) }
    }

    @discardableResult
    public func write(_ write: Write) async throws(DatastoreError) -> Revision {
        try await withUnsafeContinuation { mailbox.post(write, $0) }.get()
    }

    public func changes(after revision: Revision) async throws(DatastoreError) -> [Change] {
        try await onThread { owner throws(DatastoreError) in
            try owner.log.changes(after: revision, limit: .max)
        }
    }

    public func subscribe(
        after revision: Revision, _ sink: @escaping @Sendable ([Change]) -> Void
    ) async throws(DatastoreError) -> any Subscription {
        let delivery = Delivery(sink)
        try await onThread { owner throws(DatastoreError) in try owner.subscribe(after: revision, delivery) }
        return delivery
    }

    public func compact(upTo revision: Revision) async throws(DatastoreError) {
        let failure: DatastoreError? = await withUnsafeContinuation { done in
            let refusal = mailbox.post { owner in
                owner.compact(upTo: revision) { done.resume(returning: $0) }
            }
            if let refusal { done.resume(returning: refusal) }
        }
        if let failure { throw failure }
    }

    public func size() async throws(DatastoreError) -> ByteCount {
        try await onThread { owner throws(DatastoreError) in ByteCount(try owner.log.size()) }
    }

    public func close() async {
        mailbox.close()
        await withUnsafeContinuation { (done: UnsafeContinuation<Void, Never>) in
            let hasEnded = isEnded.withLock { ending in
                guard case .running(let waiting) = ending else { return true }
                ending = .running(waiting: waiting + [done])
                return false
            }
            if hasEnded { done.resume() }
        }
    }

    private func end() {
        let waiting = isEnded.withLock { ending -> [UnsafeContinuation<Void, Never>] in
            defer { ending = .ended }
            guard case .running(let waiting) = ending else { return [] }
            return waiting
        }
        for caller in waiting { caller.resume() }
    }

    /// Runs an errand on the thread that owns the database.
    private func onThread<T: Sendable>(
        _ errand: @escaping @Sendable (CommitThread) throws(DatastoreError) -> T
    ) async throws(DatastoreError) -> T {
        let result: Result<T, DatastoreError> = await withUnsafeContinuation { done in
            let refusal = mailbox.post { owner in
                do throws(DatastoreError) {
                    done.resume(returning: .success(try errand(owner)))
                } catch {
                    done.resume(returning: .failure(error))
                }
            }
            if let refusal { done.resume(returning: .failure(refusal)) }
        }
        return try result.get()
    }
}
