import API

/// Whether a pod is kept only because nobody can end it.
enum PodVerdict: Hashable, Sendable {
    case keep
    /// Deleted at once.
    case remove(because: PodDisruption?)

    /// How the node fares that a pod is bound to.
    enum NodeState: Hashable, Sendable {
        case present
        /// A person said so, and nothing was heard of it.
        case outOfService
        case gone
    }

    init(_ pod: Pod, on node: NodeState) {
        let isDeleting = pod.metadata.deletionTimestamp != nil
        if pod.spec.nodeName.isEmpty {
            // No kubelet will tell the end of a pod that no node has.
            self = isDeleting ? .remove(because: nil) : .keep
            return
        }
        switch node {
        case .present: self = .keep
        case .outOfService: self = isDeleting ? .remove(because: nil) : .keep
        case .gone:
            self = .remove(
                because: PodDisruption(reason: "DeletionByPodGC", message: "PodGC: node no longer exists"))
        }
    }
}
