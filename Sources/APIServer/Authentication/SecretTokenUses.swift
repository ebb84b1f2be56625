import API
import APIMachinery
import Client
import Logging
import Support

/// Writes on Secrets the day on which their token was used last, so that people find those that nobody needs
/// (KEP-2799). One write a day for each at most.
final class SecretTokenUses: Sendable {
    private let due: WorkQueue<ObjectName>
    private let now: @Sendable () -> Timestamp

    init(now: @escaping @Sendable () -> Timestamp, clock: any Clock<Duration> = ContinuousClock()) {
        self.now = now
        due = WorkQueue(clock: clock)
    }

    /// As `2026-11-21`.
    private var today: String { AccountTokenSecret.day(of: now()) }

    /// The token that the Secret holds was used. Called for each request: what is written already costs a
    /// look.
    func note(_ secret: StoredObject) {
        if secret.labels[AccountTokenSecret.lastUsed]?.string != today { due.add(secret.objectName) }
    }

    /// Runs until the task is cancelled.
    func run(_ client: LocalClient, secrets: any ObjectSet, reportingTo log: Logger) async {
        await due.run(workers: 1) { (name: ObjectName, error: Status) in
            log.warning("that the token in secret \(name) was used cannot be noted: \(error)")
        } _: { [self] name throws(Status) in
            // Many requests may have asked for it.
            guard let secret = secrets.get(name), secret.labels[AccountTokenSecret.lastUsed]?.string != today else {
                return nil
            }
            let patch: Value = [
                "metadata": [
                    "uid": .string(secret.uid), "labels": [AccountTokenSecret.lastUsed: .string(today)],
                ]
            ]
            do throws(Status) {
                _ = try await client.patch(Target(.secrets, name), .merge(patch), WriteOptions())
            } catch {
                guard error.isNotFound || error.isConflict else { throw error }
            }
            return nil
        }
    }
}
