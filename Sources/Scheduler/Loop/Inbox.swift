import APIMachinery
import Client
import Support
import Synchronization

/// What happened since the loop last looked: of each object the latest version alone, in the order in which the objects
/// first changed.
///
/// Observations put changes in from wherever they are made known, at once; the loop takes all of them out. Its size is
/// bounded by the number of objects.
final class Inbox: Sendable {
    /// Objects whose versions the loop wants to see.
    enum Source: Int, CaseIterable, Sendable {
        case namespaces, services, nodes, budgets, pods
    }

    /// News that something changed; what, is looked up when a pod needs it.
    enum Signal: Hashable, Sendable { case volumes, devices }

    /// How a job ended.
    struct Finished: Sendable {
        var job: Job
        var error: Status?
    }

    struct Contents: Sendable {
        fileprivate(set) var changes: [Source: Changes] = [:]
        fileprivate(set) var signals: Set<Signal> = []
        fileprivate(set) var finished: [Finished] = []

        var isEmpty: Bool { changes.isEmpty && signals.isEmpty && finished.isEmpty }
    }

    struct Changes: Sendable {
        private(set) var names: [ObjectName] = []
        private var latest: [ObjectName: StoredObject?] = [:]

        mutating func put(_ name: ObjectName, _ object: StoredObject?) {
            if latest.updateValue(object, forKey: name) == nil { names.append(name) }
        }

        /// The latest version; `nil` when it is gone.
        func object(_ name: ObjectName) -> StoredObject? { latest[name] ?? nil }
    }

    private let contents = Mutex(Contents())
    private let bell = Bell()

    func put(_ source: Source, _ change: ObjectChange) {
        contents.withLock { $0.changes[source, default: Changes()].put(change.name, change.new) }
        bell.ring()
    }

    func put(_ signal: Signal) {
        contents.withLock { _ = $0.signals.insert(signal) }
        bell.ring()
    }

    func put(_ finished: Finished) {
        contents.withLock { $0.finished.append(finished) }
        bell.ring()
    }

    func take() -> Contents {
        contents.withLock { contents in
            defer { contents = Contents() }
            return contents
        }
    }

    /// Returns when something is put in, after `limit`, or when the task is cancelled.
    func wait(atMost limit: Duration?, _ clock: any Clock<Duration>) async {
        guard let limit else { return await bell.wait() }
        await withTaskGroup { group in
            group.addTask { try? await clock.sleep(for: limit) }
            group.addTask { await self.bell.wait() }
            await group.next()
            group.cancelAll()
        }
    }
}
