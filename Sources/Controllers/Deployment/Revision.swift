import API
import APIMachinery

/// The annotations by which a Deployment and its ReplicaSets remember the history of a rollout.
enum Revision {
    static let number = "deployment.kubernetes.io/revision"
    static let history = "deployment.kubernetes.io/revision-history"
    static let desiredReplicas = "deployment.kubernetes.io/desired-replicas"
    static let maxReplicas = "deployment.kubernetes.io/max-replicas"

    /// What is the Deployment's or the set's own and not handed down.
    private static let own: Set<String> = [
        number, history, desiredReplicas, maxReplicas, "kubectl.kubernetes.io/last-applied-configuration",
        "deprecated.deployment.rollback.to",
    ]

    static func of(_ annotations: [String: String]) -> Int { annotations[number].flatMap { Int($0) } ?? 0 }

    /// The annotations of the set that is being rolled out: the Deployment's, and the next revision.
    static func annotate(_ set: inout ReplicaSet, from deployment: Deployment, over oldSets: [ReplicaSet]) {
        var annotations = set.metadata.annotations
        for (key, text) in deployment.metadata.annotations where !own.contains(key) {
            annotations[key] = text
        }
        let newest = oldSets.map { of($0.metadata.annotations) }.max() ?? 0
        // Annotations are anybody's to write: behind the greatest number there is no next one.
        let next = newest == .max ? newest : newest + 1
        let present = of(annotations)
        if present < next {
            if present > 0 {
                let past = annotations[history].map { $0 + "," } ?? ""
                annotations[history] = past + String(present)
            }
            annotations[number] = String(next)
        }
        set.metadata.annotations = annotations
    }

    /// Records for what size of the Deployment a set's size was chosen: scaling is told from it, and done in
    /// proportion.
    static func annotate(_ set: inout ReplicaSet, sizedFor limits: RollingLimits) {
        set.metadata.annotations[desiredReplicas] = String(limits.replicas)
        set.metadata.annotations[maxReplicas] = String(limits.most)
    }
}
