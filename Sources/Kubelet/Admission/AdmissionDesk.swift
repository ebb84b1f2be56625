import API
import APIMachinery
import Client
import Support
import Synchronization

/// The one ledger of the node, which the workers of new pods ask; whoever may be taken later is woken.
final class AdmissionDesk: Sendable {
    private struct State: Sendable {
        var ledger: AdmissionLedger
        var pressures: Set<NodePressure> = []
        var isShuttingDown = false
    }

    private let client: any Client
    private let name: String
    private let state: Mutex<State>
    /// `nil` for a node that gives nothing to one container alone.
    private let resources: ResourceDesk?
    private let wake: @Sendable (_ podUID: String) -> Void
    /// Whether the API knows a pod no more. Asked under the lock, since a worker may be about to note what it saw before
    /// that was so.
    private let isGone: @Sendable (_ podUID: String) -> Bool

    init(
        _ client: any Client, _ name: String, _ capacity: NodeCapacity, _ resources: ResourceDesk? = nil,
        isGone: @escaping @Sendable (_ podUID: String) -> Bool = { _ in false },
        wake: @escaping @Sendable (_ podUID: String) -> Void
    ) {
        self.isGone = isGone
        self.client = client
        self.name = name
        var allocatable: [String: Int64] = [:]
        for (name, amount) in capacity.allocatable {
            allocatable[name] = name == "cpu" ? amount.milliValue : amount.value
        }
        state = Mutex(State(ledger: AdmissionLedger(allocatable: allocatable)))
        self.resources = resources
        self.wake = wake
    }

    /// What the node is short of now.
    func set(_ pressures: Set<NodePressure>) { state.withLock { $0.pressures = pressures } }

    /// Whether the machine goes down: no pod begins then.
    func set(isShuttingDown: Bool) { state.withLock { $0.isShuttingDown = isShuttingDown } }

    /// A pod that an earlier kubelet has begun keeps its part before its worker knows of it.
    func expect(_ object: StoredObject) {
        guard !state.withLock({ $0.ledger.knows(object.uid) }) else { return }
        let pod = Pod(object)
        guard pod.status.startTime != nil, !["Succeeded", "Failed"].contains(pod.status.phase) else { return }
        note(pod)
    }

    /// The pod runs here, and is not asked about any more; `isResized` when it has other resources now.
    func note(_ pod: Pod, isResized: Bool = false) {
        let uid = pod.metadata.uid
        guard isResized || !state.withLock({ $0.ledger.knows(uid) }) else { return }
        let claim = PodClaim(pod)
        state.withLock { state in
            if !isGone(uid) { state.ledger.note(uid, claim) }
        }
    }

    /// The pod has ended.
    func forget(_ uid: String) {
        resources?.release(uid)
        leave(uid)
    }

    /// The API knows the pod no more, and ``isGone`` says so, whatever still ends here: others do not wait for it, as
    /// whoever chose this node for them did not. What it has alone stays its own until it has ended.
    func leave(_ uid: String) { for uid in state.withLock({ $0.ledger.forget(uid) }) { wake(uid) } }

    /// Judges a pod that has not begun. Without an answer from the API what only its Node object tells is left out.
    func admit(_ pod: Pod) async -> AdmissionVerdict {
        let isKnown = state.withLock { state in state.ledger.knows(pod.metadata.uid) }
        if !isKnown, let refusal = state.withLock({ $0.ledger.refusal(pod, under: $0.pressures) }) {
            return .refused(refusal)
        }
        if !isKnown, state.withLock(\.isShuttingDown) { return .refused(.refusedByShutdown) }
        // What it has of the node alone is found before the rest is judged, and also for a pod that was taken by an
        // earlier kubelet: the machine may have been started anew since.
        if resources?.mustWait(pod) == true { return .waits }
        if let refusal = await resources?.allocate(pod) { return .refused(refusal) }
        guard !isKnown else { return .admitted }
        let node = try? await client.find(Node.self, ObjectName(name: name))
        let devices = resources?.devices.used ?? [:]
        let verdict = state.withLock { state in
            // It is looked at again, as one that is gone.
            guard !isGone(pod.metadata.uid) else { return AdmissionVerdict.waits }
            return state.ledger.admit(
                pod,
                AdmissionLedger.Place(name: name, node: node ?? nil, pressures: state.pressures, devices: devices))
        }
        if case .refused = verdict { resources?.release(pod.metadata.uid) }
        return verdict
    }
}
