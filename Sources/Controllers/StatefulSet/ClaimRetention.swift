import API
import APIMachinery

/// Whom a claim of a StatefulSet's pod shall end with (`persistentVolumeClaimRetentionPolicy`): with the set, with the
/// pod that is scaled away, or with nobody. The garbage collector does the rest.
struct ClaimRetention: Sendable {
    let set: StatefulSet
    let ordinal: Int
    /// The pod with this number, if there is one.
    let pod: Pod?

    private var deletesWithSet: Bool { self.set.spec.persistentVolumeClaimRetentionPolicy?.whenDeleted == "Delete" }
    private var deletesWithPod: Bool { self.set.spec.persistentVolumeClaimRetentionPolicy?.whenScaled == "Delete" }

    /// The owners that the claim shall have. Those of others stay, and one that has another controller gets none of
    /// ours: somebody else decides its end.
    func owners(of claim: PersistentVolumeClaim) -> [OwnerReference] {
        let ours = Set([set.metadata.uid, pod?.metadata.uid].compactMap(\.self))
        let others = claim.metadata.ownerReferences.filter { !ours.contains($0.uid) }
        let isForeign = claim.metadata.ownerReferences.contains { reference in
            if isSet(reference) { return reference.uid != set.metadata.uid }
            if isPod(reference) { return pod.map { $0.metadata.uid != reference.uid } ?? true }
            return reference.controller == true
        }
        guard deletesWithSet || deletesWithPod else { return others }
        return isForeign ? others : others + [keeper].compactMap(\.self)
    }

    /// Whether the claim is about to go with a pod that went before: then its successor waits for a new claim.
    func isStale(_ claim: PersistentVolumeClaim) -> Bool {
        claim.metadata.ownerReferences.contains { reference in
            isPod(reference) && reference.uid != pod?.metadata.uid
        }
    }

    private var keeper: OwnerReference? {
        let isScaledAway = !set.ordinals.contains(ordinal)
        if deletesWithPod, isScaledAway { return pod?.controllerReference }
        return deletesWithSet ? set.controllerReference : nil
    }

    private func isSet(_ reference: OwnerReference) -> Bool {
        reference.kind == StatefulSet.kind && reference.name == set.metadata.name
            && reference.apiVersion == StatefulSet.resource.apiVersion
    }

    private func isPod(_ reference: OwnerReference) -> Bool {
        reference.kind == Pod.kind && reference.name == set.podName(ordinal)
            && reference.apiVersion == Pod.resource.apiVersion
    }
}
