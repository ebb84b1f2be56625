import API
public import APIMachinery
import Client

/// Lets pods go that wait to be counted by a job that is gone, or over.
///
/// The finalizer is in nobody's way until a pod is deleted, so only those that are being deleted are looked at.
public struct JobOrphans: Controller {
    public let name = "job-orphan-controller"

    public init() {}

    private enum Key: Hashable, Sendable {
        case pod(ObjectName)
        /// A job that is gone or over, by its uid.
        case job(String)
    }

    public func run(_ context: ControllerContext) async throws(Status) {
        let jobs = try await context.client.observe(Job.self)
        let pods = try await context.client.observe(Pod.self)
        let names = OwnerIndex()
        let ended = ReconcileLoop<Key>.Source(jobs) { change in
            names.take(change)
            var over: [Key] = []
            if let old = change.old, old.uid != change.new?.uid { over.append(.job(old.uid)) }
            // It counts no pod any more, also none that began to go before.
            if let new = change.new, Job(new).ending != nil { over.append(.job(new.uid)) }
            return over
        }
        let deleted = ReconcileLoop<Key>.Source(pods) { change in
            change.new.map { $0.isDeleting ? [.pod($0.objectName)] : [] } ?? []
        }
        @Sendable func release(_ object: StoredObject) async throws(Status) {
            guard object.isDeleting else { return }
            let name = object.controllerUID.flatMap { names.name(of: $0) }
            if let job = name.flatMap({ jobs.get(Job.self, $0) }), job.ending == nil || !job.isOurs { return }
            try await context.client.releaseFromJob(Pod(object))
        }
        await ReconcileLoop<Key>(context).run([ended, deleted]) { key throws(Status) in
            switch key {
            case .pod(let name):
                if let object = pods.get(name) { try await release(object) }
            case .job(let uid):
                try await inParallel(pods.owned(by: uid)) { object throws(Status) in try await release(object) }
            }
            return nil
        }
    }
}
