import API
import APIMachinery
import Support

/// What a StatefulSet needs now: claims and pods made, pods deleted, or nothing; and when to look again.
///
/// Pure: it is fed the set, its pods (adopted already), its revisions and the time. Its shell is
/// ``StatefulSetController``. A pod's name is its number in the set, so there is never more than one of each.
///
/// Pods that are `OrderedReady` come one by one, each after the one before it is available, and go in the opposite order;
/// nothing goes while one of those that shall stay is not available. `Parallel` ones come and go at once. Either are
/// brought to a new template from the last to the first, one by one.
struct StatefulSetDecision: Sendable {
    enum Action: Hashable, Sendable {
        case createClaim(PersistentVolumeClaim)
        /// The claim with the owners that it shall have.
        case setOwners(PersistentVolumeClaim)
        case createPod(Pod)
        /// The pod with the labels by which it is found.
        case setLabels(Pod)
        case delete(Pod)
        /// Nothing can be done before something else happens, which a person may have to know.
        case wait(ControllerNote)
    }

    /// What is done about one pod, in this order.
    struct Step: Hashable, Sendable {
        var pod: String
        var actions: [Action]
    }

    /// No more pods are made in one pass; the rest follows when these are done.
    static let burst = 500

    let set: StatefulSet
    /// The pods that this set controls, by their numbers.
    let pods: [Int: Pod]
    /// The template that pods had before the present one, and the present one. The same once all pods have it.
    let current: ControllerRevision
    let update: ControllerRevision
    let now: Timestamp
    /// The claim with this name, if there is one.
    let claim: @Sendable (String) -> PersistentVolumeClaim?
    /// Pods that ended too often of late are not deleted before these times.
    var pauses: [Int: Timestamp] = [:]
    /// How many pods a rolling update may have unavailable at once (feature gate `MaxUnavailableStatefulSet`); `nil` when
    /// it goes one by one.
    var mostUnavailable: Int?

    /// What to do now. The steps are in order; those of `Parallel` pods do not wait for each other.
    var steps: [Step] {
        guard set.metadata.deletionTimestamp == nil else { return [] }
        return set.isOrdered ? orderedSteps : parallelSteps
    }

    private var orderedSteps: [Step] {
        var steps: [Step] = []
        for ordinal in set.ordinals {
            let (actions, isSettled) = look(at: ordinal)
            if !actions.isEmpty { steps.append(Step(pod: set.podName(ordinal), actions: actions)) }
            guard isSettled else { return steps }
        }
        let surplus = surplus
        guard let last = surplus.first else { return steps + rollout }
        for pod in surplus { steps += ownersOfSurplus(pod) }
        // Of several that are not available the first may go, so that a set that is stuck can be made smaller.
        let firstUnavailable = surplus.last { !isAvailable($0) }
        if last.metadata.deletionTimestamp == nil, isAvailable(last) || last == firstUnavailable {
            steps.append(Step(pod: last.metadata.name, actions: [.delete(last)]))
        }
        return steps
    }

    private var parallelSteps: [Step] {
        let missing = set.ordinals.lazy.filter { pods[$0] == nil }.prefix(Self.burst)
        let present = pods.keys.filter(set.ordinals.contains).sorted()
        var steps = (Array(missing) + present).compactMap { ordinal in
            let actions = look(at: ordinal).actions
            return actions.isEmpty ? nil : Step(pod: set.podName(ordinal), actions: actions)
        }
        for pod in surplus {
            steps += ownersOfSurplus(pod)
            guard pod.metadata.deletionTimestamp == nil else { continue }
            steps.append(Step(pod: pod.metadata.name, actions: [.delete(pod)]))
        }
        return steps + rollout
    }

    /// The pods beyond what is asked for, the last first.
    private var surplus: [Pod] {
        pods.filter { !set.ordinals.contains($0.key) }.sorted { $0.key > $1.key }.map(\.value)
    }

    /// What one of the pods that are asked for needs, and whether the one after it may come.
    private func look(at ordinal: Int) -> (actions: [Action], isSettled: Bool) {
        guard let pod = pods[ordinal] else { return (creation(ordinal), false) }
        if pod.isFinished {
            // Whatever its containers ended with: its place is to be filled.
            let isDue = pod.metadata.deletionTimestamp == nil && pauses[ordinal] == nil
            return (isDue ? [.delete(pod)] : [], false)
        }
        var actions: [Action] = []
        for wanted in set.claims(ordinal) {
            if let present = claim(wanted.metadata.name) {
                actions += owners(of: present, ordinal)
            } else if pod.status.phase != "Running" {
                actions.append(.createClaim(owned(wanted, ordinal)))
            }
        }
        if pod.metadata.deletionTimestamp == nil { actions += labels(of: pod, ordinal) }
        return (actions, isAvailable(pod))
    }

    /// A pod's claims come before it: the scheduler must find them.
    private func creation(_ ordinal: Int) -> [Action] {
        var actions: [Action] = []
        for wanted in set.claims(ordinal) {
            guard let present = claim(wanted.metadata.name) else {
                actions.append(.createClaim(owned(wanted, ordinal)))
                continue
            }
            if present.metadata.deletionTimestamp != nil {
                let name = set.podName(ordinal)
                return [
                    .wait(.statefulPod("create", name, set, "pvc \(present.metadata.name) is being deleted"))
                ]
            }
            // It goes with the pod before: the garbage collector is on its way.
            if ClaimRetention(set: set, ordinal: ordinal, pod: nil).isStale(present) { return [] }
            actions += owners(of: present, ordinal)
        }
        return actions + [.createPod(newPod(ordinal))]
    }

    private func newPod(_ ordinal: Int) -> Pod {
        let keepsTemplate = set.updatesItself && ordinal < set.firstUpdated
        if keepsTemplate, let template = RevisionData.template(in: current) {
            return set.pod(ordinal, template, revision: current.metadata.name)
        }
        return set.pod(ordinal, set.spec.template, revision: update.metadata.name)
    }

    private func labels(of pod: Pod, _ ordinal: Int) -> [Action] {
        var labelled = pod
        labelled.metadata.labels.merge(set.identity(ordinal)) { $1 }
        return labelled == pod ? [] : [.setLabels(labelled)]
    }

    private func owned(_ claim: PersistentVolumeClaim, _ ordinal: Int) -> PersistentVolumeClaim {
        var claim = claim
        let retention = ClaimRetention(set: set, ordinal: ordinal, pod: pods[ordinal])
        claim.metadata.ownerReferences = retention.owners(of: claim)
        return claim
    }

    private func owners(of claim: PersistentVolumeClaim, _ ordinal: Int) -> [Action] {
        guard claim.metadata.deletionTimestamp == nil else { return [] }
        let owned = owned(claim, ordinal)
        return Set(owned.metadata.ownerReferences) == Set(claim.metadata.ownerReferences) ? [] : [.setOwners(owned)]
    }

    /// A claim that shall go with its pod must know the pod before that goes.
    private func ownersOfSurplus(_ pod: Pod) -> [Step] {
        guard let ordinal = set.ordinal(of: pod.metadata.name) else { return [] }
        let present = set.claims(ordinal).compactMap { claim($0.metadata.name) }
        let actions = present.flatMap { owners(of: $0, ordinal) }
        return actions.isEmpty ? [] : [Step(pod: pod.metadata.name, actions: actions)]
    }

    func isAvailable(_ pod: Pod) -> Bool {
        pod.metadata.deletionTimestamp == nil && pod.status.phase == "Running"
            && pod.isAvailable(minReadySeconds: set.spec.minReadySeconds, at: now)
    }
}
