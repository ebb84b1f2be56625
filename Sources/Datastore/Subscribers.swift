import Synchronization

/// The sinks of one datastore, called in order by whoever commits.
///
/// A value confined to the committing thread or actor; only ``Delivery/cancel()`` comes from elsewhere.
struct Subscribers {
    private var deliveries: [Delivery] = []

    var isEmpty: Bool { deliveries.isEmpty }

    mutating func add(_ delivery: Delivery) { deliveries.append(delivery) }

    /// Hands a committed group to every sink, and forgets those that were cancelled.
    mutating func deliver(_ changes: [Change]) {
        guard !deliveries.isEmpty, !changes.isEmpty else { return }
        deliveries.removeAll { !$0.deliver(changes) }
    }

    /// Ends every subscription.
    mutating func end() {
        for delivery in deliveries { delivery.cancel() }
        deliveries = []
    }
}

/// One subscription: its sink until it is cancelled.
final class Delivery: Subscription {
    /// The lock is held while the sink runs, which is what lets ``cancel()`` promise that no call comes after
    /// it. Hence the protocol's rule that a sink returns quickly and calls nothing of the datastore's.
    private let sink: Mutex<Sink?>

    /// A closure behind a name: one that a generic container holds directly is wrapped once more by the compiler each
    /// time it is looked at in place, and grows without end.
    private struct Sink {
        let receive: @Sendable ([Change]) -> Void
    }

    init(_ sink: @escaping @Sendable ([Change]) -> Void) {
        self.sink = Mutex(Sink(receive: sink))
    }

    func cancel() { sink.withLock { $0 = nil } }

    /// Whether the subscription still runs.
    func deliver(_ changes: [Change]) -> Bool {
        sink.withLock { sink in
            sink?.receive(changes)
            return sink != nil
        }
    }
}

/// The two revisions that anybody may read at any time without waiting.
final class PublishedRevisions: Sendable {
    private let currentValue: Atomic<Revision>
    private let compactedValue: Atomic<Revision>

    init(current: Revision, compacted: Revision) {
        currentValue = Atomic(current)
        compactedValue = Atomic(compacted)
    }

    var current: Revision {
        get { currentValue.load(ordering: .acquiring) }
        set { currentValue.store(newValue, ordering: .releasing) }
    }

    var compacted: Revision {
        get { compactedValue.load(ordering: .acquiring) }
        set { compactedValue.store(newValue, ordering: .releasing) }
    }
}
