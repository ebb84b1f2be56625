import Datastore
import Support
import Synchronization

/// A watch whose client wants to know how far the log has come.
protocol BookmarkReceiver: AnyObject, Sendable {
    /// Called from any thread. Tells the client, unless it knows.
    func bookmark()
}

/// Has the watches of a log tell their clients from time to time how far it has come, so that one that is cut off later
/// begins near the end of the history and not where its own objects changed last (API conventions, "Watch bookmarks").
///
/// One deadline for all of them. It runs only when something was written since the last, and somebody wants to know: an
/// idle server is not woken, however many watches it has.
final class WatchBookmarks: Sendable {
    /// How long after a write the watches tell, as in Kubernetes.
    static let period = Duration.seconds(60)

    private let receivers = Mutex<[ObjectIdentifier: any BookmarkReceiver]>([:])
    private let isWanted = Bell()

    func add(_ receiver: any BookmarkReceiver) {
        receivers.withLock { $0[ObjectIdentifier(receiver)] = receiver }
        isWanted.ring()
    }

    func remove(_ receiver: any BookmarkReceiver) {
        receivers.withLock { _ = $0.removeValue(forKey: ObjectIdentifier(receiver)) }
    }

    /// Runs until the task is cancelled.
    func run(
        following log: ObjectLog, each period: Duration = period, clock: any Clock<Duration> = ContinuousClock()
    ) async {
        var advances = log.advances(by: 1).makeAsyncIterator()
        var told: Revision = 0
        while !Task.isCancelled {
            guard receivers.withLock({ !$0.isEmpty }) else {
                await isWanted.wait()
                continue
            }
            guard log.revision > told else {
                guard await advances.next() != nil else { return }
                continue
            }
            // Throws only when cancelled.
            do { try await clock.sleep(for: period, tolerance: period / 10) } catch { return }
            told = log.revision
            for receiver in receivers.withLock({ Array($0.values) }) { receiver.bookmark() }
        }
    }
}
