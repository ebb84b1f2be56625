import API
import APIMachinery
import Support
import Synchronization

/// One pod of the node: what the API says, what the kubelet remembers, and what it told last.
///
/// One worker at a time works on it; observations, operations that end and readers come from anywhere, so
/// that every look and every change is one short step.
final class PodRecord: Sendable {
    struct State: Sendable {
        /// The freshest version; the last one when the API has the pod no more. `nil` for a pod that only
        /// the runtime knows.
        var object: StoredObject?
        var isGone = false
        /// It comes from a file of the node; the API has a mirror of it at most.
        var isStatic = false
        /// The same pod once more, which begins when nothing is left of this one.
        var successor: StoredObject?
        /// What the runtime calls a pod that only it knows.
        var foundName: ObjectName?
        var memory = PodMemory()
        var volumes: MountedVolumes?
        /// As the kubelet sees the pod now, whether or not the API has been told.
        var status: PodStatus?
        /// The status is final, since what it tells of is being removed.
        var isFrozen = false
        /// Nothing of the pod is left here: the API may forget it.
        var isFinished = false
        /// The sandbox that it has now.
        var sandboxID: String?
        /// Instances that have ended do not change any more.
        var ended: [String: RuntimePod.Container] = [:]

        var name: ObjectName? { object?.objectName ?? foundName }

        /// The pod with the resources that it has.
        var pod: Pod? {
            object.map { memory.resize.allocation?.applied(to: Pod($0)) ?? Pod($0) }
        }
    }

    let uid: String
    private let state = Mutex(State())

    init(uid: String) { self.uid = uid }

    var present: State { state.withLock(\.self) }

    @discardableResult
    func change<Result: Sendable>(_ body: (inout sending State) -> Result) -> Result {
        state.withLock { body(&$0) }
    }

    func remember(_ body: (inout PodMemory) -> Void) { state.withLock { body(&$0.memory) } }
}
