import API
import APIMachinery
import Support
import Synchronization

/// The one ledger of the node, which every pod's worker asks; whoever is granted a resize later is woken.
final class ResizeDesk: Sendable {
    private let ledger: Mutex<ResizeLedger>
    private let wake: @Sendable (_ podUID: String) -> Void
    /// Whether the API knows a pod no more, under the lock as in ``AdmissionDesk``.
    private let isGone: @Sendable (_ podUID: String) -> Bool

    init(
        _ capacity: NodeCapacity, isGone: @escaping @Sendable (_ podUID: String) -> Bool,
        wake: @escaping @Sendable (_ podUID: String) -> Void
    ) {
        self.isGone = isGone
        let allocatable = capacity.allocatable
        ledger = Mutex(
            ResizeLedger(
                allocatable: ResourceAmounts(
                    processors: allocatable["cpu"]?.milliValue ?? 0, memory: allocatable["memory"]?.value ?? 0)))
        self.wake = wake
    }

    /// A pod is bound to the node. Before its worker knows better it counts with what it asks for.
    func expect(_ object: StoredObject) {
        guard !ledger.withLock({ $0.knows(object.uid) }) else { return }
        let pod = Pod(object)
        guard !["Succeeded", "Failed"].contains(pod.status.phase) else { return }
        note(object.uid, ResourceAmounts(of: pod.spec))
    }

    /// The pod has this much.
    func note(_ uid: String, _ amounts: ResourceAmounts) {
        tell(ledger.withLock { isGone(uid) ? [] : $0.note(uid, amounts) })
    }

    /// The pod has ended.
    func forget(_ uid: String) { tell(ledger.withLock { $0.forget(uid) }) }

    /// The pod wants no more than it has.
    func withdraw(_ uid: String) { ledger.withLock { $0.withdraw(uid) } }

    func ask(_ uid: String, _ wish: ResizeLedger.Wish) -> ResizeLedger.Answer {
        ledger.withLock { $0.ask(uid, wish) }
    }

    private func tell(_ granted: [String]) { for uid in granted { wake(uid) } }
}
