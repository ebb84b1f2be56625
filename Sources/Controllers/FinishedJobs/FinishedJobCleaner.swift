import API
public import APIMachinery
import Client
import Support

/// Deletes jobs, and their pods with them, so many seconds after their end as they say themselves (KEP-592).
public struct FinishedJobCleaner: Controller {
    public let name = "ttl-after-finished-controller"

    public init() {}

    public func run(_ context: ControllerContext) async throws(Status) {
        let jobs = try await context.client.observe(Job.self)
        await ReconcileLoop<ObjectName>(context).run([.own(jobs)]) { name throws(Status) in
            guard let job = jobs.get(Job.self, name), let due = job.expiry else { return nil }
            let now = context.now()
            guard due <= now else { return due - now }
            // Whoever lets the job live longer at this moment wins: it is another version then.
            let options = DeletionOptions(
                propagation: .foreground, preconditionUID: job.metadata.uid,
                preconditionVersion: job.metadata.resourceVersion)
            try await context.client.delete(Job.self, name, options)
            return nil
        }
    }
}

extension Job {
    /// When nobody needs the job any more; `nil` while it runs, when it is to stay, or when it is on its way out.
    var expiry: Timestamp? {
        guard metadata.deletionTimestamp == nil, let life = spec.ttlSecondsAfterFinished else { return nil }
        return ending?.lastTransitionTime.map { $0 + .seconds(life) }
    }
}
