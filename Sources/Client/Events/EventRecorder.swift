public import APIMachinery
public import Support
import Synchronization

/// Writes core/v1 Events for a component. Recording never waits and never fails its caller.
///
/// Notes queue up to ``queueLength``; more are counted in ``droppedCount``. ``run()`` writes them, in order;
/// several components may share one recorder's run by making ``named(_:host:)`` of it.
public struct EventRecorder: Sendable {
    /// Notes that may wait to be written.
    public static let queueLength = 1000

    private let queue: Queue
    private let component: String
    private let host: String

    /// - Parameter component: The `source.component` and `reportingComponent` of the events: `replicaset-controller`.
    public init(_ client: any Client, component: String, host: String = "") {
        queue = Queue(client: client)
        self.component = component
        self.host = host
    }

    private init(queue: Queue, component: String, host: String) {
        self.queue = queue
        self.component = component
        self.host = host
    }

    /// A recorder of another component that shares this one's queue and run.
    public func named(_ component: String, host: String = "") -> EventRecorder {
        EventRecorder(queue: queue, component: component, host: host)
    }

    /// Puts a note into the queue.
    public func record(_ note: EventNote) {
        queue.add(Entry(note: note, component: component, host: host))
    }

    /// Puts a note about `object` into the queue.
    public func record(
        _ object: some ResourceView, _ kind: EventNote.Kind = .normal, reason: String, message: String,
        fieldPath: String = "", at time: Timestamp = .now
    ) {
        let subject = EventNote.Subject(object, fieldPath: fieldPath)
        record(EventNote(subject, kind, reason: reason, message: message, at: time))
    }

    /// Notes that were not written: the queue was full, or the API refused them.
    public var droppedCount: Int { queue.dropped.withLock(\.self) }

    /// Writes what is recorded until the task is cancelled. Only one run at a time.
    public func run() async { await queue.run() }
}

extension EventRecorder {
    private struct Entry: Sendable {
        var note: EventNote
        var component: String
        var host: String
    }

    private final class Queue: Sendable {
        private static let events = GroupVersionResource(group: "", version: "v1", resource: "events")

        let dropped = Mutex(0)
        private let client: any Client
        private let stream: AsyncStream<Entry>
        private let input: AsyncStream<Entry>.Continuation

        init(client: any Client) {
            self.client = client
            (stream, input) = AsyncStream.makeStream(
                of: Entry.self, bufferingPolicy: .bufferingOldest(EventRecorder.queueLength))
        }

        func add(_ entry: Entry) {
            if case .enqueued = input.yield(entry) { return }
            countDrop()
        }

        private func countDrop() { dropped.withLock { $0 += 1 } }

        func run() async {
            // Per component: the same words from two components are two Events.
            var ledgers: [String: EventLedger] = [:]
            for await entry in stream {
                let source = entry.component + "/" + entry.host
                await write(entry, &ledgers[source, default: EventLedger()])
            }
        }

        private func write(_ entry: Entry, _ ledger: inout EventLedger) async {
            var action = ledger.take(entry.note)
            if case .count(let identity, let name, let count, let message) = action {
                do throws(Status) {
                    try await countUp(entry, name, count, message)
                    return
                } catch {
                    guard error.isNotFound else { return countDrop() }
                    ledger.lost(identity)
                    action = .create(identity, message: message)
                }
            }
            guard case .create(let identity, let message) = action else { return countDrop() }
            do throws(Status) {
                let object = event(entry, message)
                let namespace = entry.note.subject.eventNamespace
                try await client.create(Target(Self.events, namespace: namespace), object, WriteOptions())
                ledger.written(identity, as: name(of: entry))
            } catch {
                // A namespace that is being deleted takes no new objects, and an event is never worth a failure.
                countDrop()
            }
        }

        private func countUp(_ entry: Entry, _ name: String, _ count: Int, _ message: String)
            async throws(Status)
        {
            let patch: Value = [
                "count": .integer(Int64(count)), "lastTimestamp": .string(entry.note.time.description),
                "message": .string(message),
            ]
            let target = Target(
                Self.events, ObjectName(namespace: entry.note.subject.eventNamespace, name: name))
            try await client.patch(target, .merge(patch), WriteOptions())
        }

        /// The object's name and the instant in hexadecimal, as Kubernetes names events.
        private func name(of entry: Entry) -> String {
            let time = entry.note.time
            let nanoseconds = time.seconds * 1_000_000_000 + Int64(time.nanoseconds)
            return entry.note.subject.name.name + "." + String(nanoseconds, radix: 16)
        }

        private func event(_ entry: Entry, _ message: String) -> Value {
            let note = entry.note
            var source: Value = ["component": .string(entry.component)]
            if !entry.host.isEmpty { source["host"] = .string(entry.host) }
            return [
                "apiVersion": "v1", "kind": "Event",
                "metadata": [
                    "name": .string(name(of: entry)), "namespace": .string(note.subject.eventNamespace),
                ],
                "involvedObject": note.subject.reference, "reason": .string(note.reason),
                "message": .string(message), "type": .string(note.kind.rawValue), "count": 1,
                "firstTimestamp": .string(note.time.description),
                "lastTimestamp": .string(note.time.description),
                "source": source, "reportingComponent": .string(entry.component),
                "reportingInstance": .string(entry.host),
            ]
        }
    }
}
