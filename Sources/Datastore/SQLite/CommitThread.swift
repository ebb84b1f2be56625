import Glibc

/// The one thread that touches the database: it commits groups, runs errands, and compacts in between.
///
/// One thread and one connection for everything: writes are serial anyway, and since no reader holds an old
/// snapshot, the write-ahead log can always be emptied. The server reads from its cache; what is read here is
/// read at start and by those who fell behind.
///
/// A lone writer is committed at once. Those who come while the disk is busy are committed together after it.
final class CommitThread {
    let log: SQLiteLog
    private let mailbox: Mailbox
    private let published: PublishedRevisions
    private let file: DatabaseFile
    private var subscribers = Subscribers()
    private var compactions: [@Sendable (DatastoreError?) -> Void] = []
    private var farewell: (@Sendable () -> Void)?

    init(_ log: SQLiteLog, _ file: DatabaseFile, _ mailbox: Mailbox, _ published: PublishedRevisions) {
        self.log = log
        self.file = file
        self.mailbox = mailbox
        self.published = published
    }

    /// Hands everything over to a new thread, which ends after ``Mailbox/close()``.
    static func start(_ owner: consuming CommitThread, whenEnded: @escaping @Sendable () -> Void) -> Int32 {
        owner.farewell = whenEnded
        let box = Unmanaged.passRetained(owner)
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<CommitThread>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, box.toOpaque())
        if code == 0 { pthread_detach(thread) } else { box.release() }
        return code
    }

    private func run() {
        var canMaintain = true
        while true {
            let isBusy = canMaintain && log.needsMaintenance
            let delivery = mailbox.next(isBusy: isBusy)
            if delivery.isLast { break }
            if !delivery.writes.isEmpty { commit(delivery.writes) }
            for errand in delivery.errands { errand(self) }
            // After a failure it rests until somebody asks for a compaction again.
            if !delivery.errands.isEmpty { canMaintain = true }
            if canMaintain { canMaintain = maintain() }
        }
        end()
    }

    private func commit(_ waiting: [Mailbox.Waiting]) {
        let start = ContinuousClock.now
        let outcome = log.commit(waiting.map(\.write))
        let duration = start.duration(to: .now)
        if !outcome.changes.isEmpty {
            subscribers.deliver(outcome.changes)
            published.current = log.revision
        }
        for (waiter, result) in zip(waiting, outcome.results) { waiter.answer.resume(returning: result) }
        log.settle()
        // Next to what a commit takes the wait is short, and a writer who is alone is never kept waiting.
        if waiting.count > 1 {
            mailbox.linger(for: waiting.count, atMost: min(duration / 4, .microseconds(100)))
        }
    }

    /// One step of compaction. Returns whether there was no failure.
    private func maintain() -> Bool {
        do throws(DatastoreError) {
            if log.needsMaintenance { try log.maintain() }
        } catch {
            log.noteBreakdown()
            finishCompactions(error)
            return false
        }
        if !log.needsMaintenance { finishCompactions(nil) }
        return true
    }

    private func finishCompactions(_ error: DatastoreError?) {
        for compaction in compactions { compaction(error) }
        compactions = []
    }

    private func end() {
        finishCompactions(.unavailable("the datastore was closed before the compaction was done"))
        subscribers.end()
        log.close()
        file.release()
        farewell?()
    }

    // MARK: - Errands

    /// Delivers the past in portions, so that a long one takes little memory, and then whatever is committed.
    func subscribe(after revision: Revision, _ delivery: Delivery) throws(DatastoreError) {
        var reached = revision
        while true {
            let past = try log.changes(after: reached, limit: 256)
            guard let last = past.last else { break }
            guard delivery.deliver(past) else { return }
            reached = last.revision
        }
        subscribers.add(delivery)
    }

    func compact(upTo revision: Revision, whenDone: @escaping @Sendable (DatastoreError?) -> Void) {
        do throws(DatastoreError) {
            try log.compact(upTo: revision)
            published.compacted = log.meta.compacted
            compactions.append(whenDone)
        } catch {
            log.noteBreakdown()
            whenDone(error)
        }
    }
}
