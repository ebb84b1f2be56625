import API
import APIMachinery

/// What must be done so that the API shows a pod that the node runs from a file.
///
/// Pure. The mirror follows the pod and never the other way round: one that somebody deletes or that stands for an earlier
/// pod is replaced, and one goes when nothing of its pod runs any more.
enum MirrorDecision: Hashable, Sendable {
    case leave
    case create(Pod)
    case delete(uid: String)

    /// What the node has under a name.
    enum Standing: Hashable, Sendable {
        case none
        /// One that still ends.
        case leaving
        case running(Pod)
    }

    init(_ standing: Standing, mirror: MirrorTable.Mirror?) {
        switch (standing, mirror) {
        case (.none, let mirror?): self = .delete(uid: mirror.object.uid)
        case (.none, nil), (.leaving, _): self = .leave
        case (.running(let pod), nil): self = .create(pod)
        case (.running(let pod), let mirror?):
            let object = mirror.object
            let hash = Pod(object).metadata.annotations[StaticPod.mirror]
            let isTrue = !mirror.isOutdated && !object.isDeleting && hash == pod.metadata.annotations[StaticPod.hash]
            self = isTrue ? .leave : .delete(uid: object.uid)
        }
    }

    /// The mirror of a pod: a node's user may make it in its own name only, and it belongs to its Node object (KEP 1314).
    static func mirror(of pod: Pod, on node: Node) -> Pod {
        var mirror = pod
        mirror.value["status"] = nil
        mirror.metadata.value["uid"] = nil
        mirror.metadata.annotations[StaticPod.mirror] = pod.metadata.annotations[StaticPod.hash]
        var owner = OwnerReference()
        (owner.apiVersion, owner.kind) = ("v1", "Node")
        (owner.name, owner.uid) = (node.metadata.name, node.metadata.uid)
        owner.controller = true
        mirror.metadata.ownerReferences = [owner]
        return mirror
    }
}
