import API
import APIMachinery

/// A job counts each pod that succeeded once, and is complete when as many did as were asked for.
struct JobRule: Rule {
    /// The pods of each job that were seen to succeed, by the job's uid.
    private var succeeded: [String: Set<String>] = [:]

    mutating func judge(_ event: Ledger.Event, _ before: PodRecord?, _ ledger: Ledger) -> String? {
        if event.kind == "pods", let pod = ledger.pods[event.name], pod.phase == "Succeeded", let owner = pod.owner,
            owner.kind == "Job"
        {
            succeeded[owner.uid, default: []].insert(pod.uid)
        }
        guard event.kind == "jobs", let object = event.new, let value = event.newValue else { return nil }
        let job = Job(value)
        let (count, seen) = (job.status.succeeded, succeeded[object.uid]?.count ?? 0)
        if count > seen { return "counts \(count) pods that succeeded, of which \(seen) were seen" }
        let past = event.old?.uid == object.uid ? event.oldValue.map { Job($0).status.succeeded } ?? 0 : 0
        if past > count {
            return "counted \(past) pods that succeeded, and now \(count)"
        }
        let isComplete = job.status.conditions.contains { $0.type == "Complete" && $0.status == "True" }
        if isComplete, let wanted = job.spec.completions, count < wanted {
            return "is complete with \(count) of \(wanted) pods"
        }
        return nil
    }
}
