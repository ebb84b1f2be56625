public import APIMachinery
import API
import Client
import Support

/// Runs the pods of jobs until so many of them have succeeded, or too many failed.
public struct JobController: Controller {
    public let name = "job-controller"

    public init() {}

    public func run(_ context: ControllerContext) async throws(Status) {
        let pods = try await Dependents<Job, Pod>(
            context.client, selector: \.spec.selector, finalizer: JobNames.trackingFinalizer,
            heedsPlacement: false)
        let work = JobWork(context: context, pods: pods)
        await ReconcileLoop<ObjectName>(context).run(pods.sources) { name throws(Status) in
            try await work.reconcile(name)
        }
    }
}

/// One pass over one job.
private struct JobWork: Sendable {
    let context: ControllerContext
    let pods: Dependents<Job, Pod>

    /// A pass takes no more steps than this; what is left is done by the next one, so that a large job lets others work.
    private static let steps = 16

    func reconcile(_ name: ObjectName) async throws(Status) -> Duration? {
        guard let job = pods.owners.get(Job.self, name), job.isOurs else { return nil }
        if job.ending == nil { try await pods.settle(job, try LabelSelector.of(job.spec.selector)) }
        var refusal: Status?
        for _ in 0..<Self.steps {
            // The job first, then its pods: see ``JobCensus``.
            guard let job = pods.owners.get(Job.self, name), job.isOurs else { break }
            let owned = pods.controlled(by: job.metadata.uid).map { Pod($0) }
            var decision = JobDecision(job: job, pods: owned, now: context.now())
            decision.isRefused = refusal != nil
            switch decision.step {
            case .rest:
                if let refusal { throw refusal }
                return decision.nextDeadline
            case .create(let new):
                // What is known is told also when pods are refused.
                do throws(Status) { try await create(new, decision) } catch { refusal = error }
            case .report:
                guard try await report(decision) else { return decision.nextDeadline }
            case .end(let pods):
                try await inParallel(pods) { pod throws(Status) in try await context.delete(pod, of: job) }
            case .spare(let pods):
                try await inParallel(pods) { pod throws(Status) in
                    // One that ended a moment ago is another version: it counts.
                    try await context.client.releaseFromJob(pod, version: pod.metadata.resourceVersion)
                    try await context.delete(pod, of: job)
                }
            case .release(let pods):
                try await inParallel(pods) { pod throws(Status) in try await context.client.releaseFromJob(pod) }
            }
        }
        if let refusal { throw refusal }
        return .zero
    }

    private func create(_ new: [JobDecision.NewPod], _ decision: JobDecision) async throws(Status) {
        try await inGrowingBatches(new) { new throws(Status) in
            try await context.create(decision.pod(new), for: decision.job)
        }
    }

    /// Writes the status; returns whether that changed anything: an API that keeps other things than it was given must not
    /// be asked for ever.
    private func report(_ decision: JobDecision) async throws(Status) -> Bool {
        let written = try await context.client.updateStatus(decision.reported)
        guard written.metadata.resourceVersion != decision.job.metadata.resourceVersion else { return false }
        for note in decision.notes { context.record(note, about: decision.job) }
        return true
    }
}

extension Job {
    /// Whether it is left to this controller (KEP-4368).
    var isOurs: Bool { spec.managedBy.map { $0 == JobNames.manager } ?? true }
}

extension Client {
    /// Takes the finalizer of jobs from this very pod, as it is at this version if one is given. That the pod is gone is no
    /// failure.
    func releaseFromJob(_ pod: Pod, version: String? = nil) async throws(Status) {
        guard pod.metadata.finalizers.contains(JobNames.trackingFinalizer) else { return }
        var metadata: Value = [
            "uid": .string(pod.metadata.uid),
            "$deleteFromPrimitiveList/finalizers": [.string(JobNames.trackingFinalizer)],
        ]
        if let version { metadata["resourceVersion"] = .string(version) }
        do throws(Status) {
            try await patch(Pod.self, pod.objectName, .strategicMerge(["metadata": metadata]))
        } catch {
            guard error.isNotFound else { throw error }
        }
    }
}
