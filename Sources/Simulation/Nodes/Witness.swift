import API
import APIMachinery
import Synchronization

/// Sees what runs on the machines themselves, and says when it is against the rules.
final class Witness: Sendable {
    private let twins = Mutex(Twins())
    private let accuse: @Sendable (_ what: String, _ subject: String) -> Void

    init(_ accuse: @escaping @Sendable (_ what: String, _ subject: String) -> Void) { self.accuse = accuse }

    func began(_ pod: Pod, on node: String) {
        guard pod.metadata.ownerReferences.contains(where: { $0.kind == "StatefulSet" }) else { return }
        let what = twins.withLock { $0.began(pod.objectName, uid: pod.metadata.uid, on: node) }
        if let what { accuse(what, "pods \(pod.objectName)") }
    }

    func ended(_ pod: ObjectName, uid: String, on node: String) {
        twins.withLock { $0.ended(pod, uid: uid, on: node) }
    }

    /// What a node wrote was not taken. That it was too late is as it should be; that nothing can be right about it is nobody's
    /// fault but ours.
    func refused(_ pod: ObjectName, _ status: Status) {
        guard !status.isConflict else { return }
        if status.code == 400 || status.code == 422 { accuse("a node was refused: \(status)", "pods \(pod)") }
    }

    /// The node's object was deleted.
    func disown(_ node: String) { twins.withLock { $0.disown(node) } }
}
