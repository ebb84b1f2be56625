import API
import APIMachinery
import Client
import Logging
import Support

/// Removes events an hour after they were last seen, as Kubernetes does. One deadline at a time is armed.
struct EventExpiry: Sendable {
    /// Kubernetes' `--event-ttl`.
    var lifetime = Duration.seconds(3600)
    let client: LocalClient
    let events: any ObjectSet
    let now: @Sendable () -> Timestamp
    var clock: any Clock<Duration> = ContinuousClock()
    let report: Logger

    /// Runs until the task is cancelled.
    func run() async {
        let queue = WorkQueue<ObjectName>(clock: clock)
        let observation = events.observe { [lifetime] change in
            // A change puts the end off; the deadline that is set finds that out when it comes.
            if change.old == nil { queue.add(change.name, after: lifetime) }
        }
        defer { observation.cancel() }
        await queue.run(workers: 1) { (name: ObjectName, error: Status) in
            report.warning("event \(name) could not be removed: \(error)")
        } _: { name throws(Status) in
            guard let event = events.get(name)?.value else { return nil }
            let left = lifetime - (now() - Self.lastSeen(event, before: now()))
            guard left <= .zero else { return left }
            do throws(Status) {
                _ = try await client.delete(Target(.events, name), DeletionOptions())
            } catch {
                guard error.isNotFound else { throw error }
            }
            return nil
        }
    }

    /// The newest of the times that an event carries, but for those to come: whoever reports an event writes them.
    static func lastSeen(_ event: Value, before now: Timestamp) -> Timestamp {
        let paths = [
            ["lastTimestamp"], ["series", "lastObservedTime"], ["eventTime"], ["metadata", "creationTimestamp"],
        ]
        let times = paths.compactMap { event[path: $0]?.string.flatMap { Timestamp($0) } }
        return times.filter { $0 <= now }.max() ?? now
    }
}
