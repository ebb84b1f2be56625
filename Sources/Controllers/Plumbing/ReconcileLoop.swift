public import APIMachinery
public import Client
import Logging

/// One work queue, the observations that feed it, and the reporting of what fails: the shell of most
/// controllers.
///
/// Made anew by each run of a controller; observations end with the run.
public final class ReconcileLoop<Key: Hashable & Sendable>: Sendable {
    let queue: WorkQueue<Key>
    private let log: Logger

    public init(_ context: ControllerContext) {
        queue = WorkQueue(clock: context.clock, figure: context.figure)
        log = context.log
    }

    /// Works until the task is cancelled. `work` returns after how long it wants to see the key again. That a namespace
    /// is being deleted ends the work on a key like success.
    ///
    /// - Parameter sources: Live sets, each with the keys that a change of its objects concerns.
    public func run(
        _ sources: [Source], workers: Int = 4,
        _ work: @escaping @Sendable (Key) async throws(Status) -> Duration?
    ) async {
        let queue = queue
        let observations = sources.map(follow)
        defer { for observation in observations { observation.cancel() } }
        let log = log
        await queue.run(workers: workers) { (key: Key, status: Status) in
            // Somebody else was first: the next try sees what they wrote.
            let isExpected = status.isConflict || status.isNotFound
            log.log(level: isExpected ? .debug : .warning, "\(key): \(status)")
        } _: { key throws(Status) in
            do throws(Status) {
                return try await work(key)
            } catch {
                guard error.isNamespaceEnding else { throw error }
                return nil
            }
        }
    }

    /// Feeds the queue from one more live set, until the observation is cancelled.
    func follow(_ source: Source) -> any Observation {
        let queue = queue
        return source.set.observe { change in
            for key in source.keys(change) { queue.add(key) }
        }
    }

    /// A live set and the keys that a change in it concerns. `keys` runs inside the observation: it must be
    /// quick. It is also the place to keep an index up to date, before the keys are worked on.
    public struct Source: Sendable {
        let set: any ObjectSet
        let keys: @Sendable (ObjectChange) -> [Key]

        public init(_ set: any ObjectSet, _ keys: @escaping @Sendable (ObjectChange) -> [Key]) {
            self.set = set
            self.keys = keys
        }
    }
}

extension ReconcileLoop.Source where Key == ObjectName {
    /// The objects themselves.
    public static func own(_ set: any ObjectSet) -> Self { Self(set) { [$0.name] } }
}
