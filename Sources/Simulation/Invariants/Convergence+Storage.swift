import API
import APIMachinery

extension Convergence {
    /// A claim has its volume, unless there is none for it.
    func claim(_ object: StoredObject, _ value: Value) -> String? {
        let claim = PersistentVolumeClaim(value)
        guard !object.isDeleting else { return nil }
        switch claim.status.phase {
        case "Bound": return nil
        case "Pending": break
        default: return "is \(claim.status.phase.isEmpty ? "nothing" : claim.status.phase)"
        }
        if claim.className == Workload.instantClass { return "has no volume" }
        // Whether pods are there that wait for it, their own rule asks.
        guard claim.className.isEmpty else { return nil }
        let free = (ledger.values["persistentvolumes"] ?? [:]).values.map { PersistentVolume($0) }.filter {
            $0.status.phase == "Available" && $0.className.isEmpty && $0.spec.claimRef == nil
                && $0.metadata.deletionTimestamp == nil
        }
        return free.map(\.metadata.name).min().map { "has no volume, and \($0) is free" }
    }

    /// A volume is bound, or free, or what its policy makes of it was done.
    func volume(_ object: StoredObject, _ value: Value) -> String? {
        let volume = PersistentVolume(value)
        guard !object.isDeleting else { return nil }
        let policy = volume.spec.persistentVolumeReclaimPolicy
        switch volume.status.phase {
        case "Available": return nil
        case "Bound":
            let owner = volume.spec.claimRef.map { ObjectName(namespace: $0.namespace, name: $0.name) }
            let present = owner.flatMap { ledger.values["persistentvolumeclaims"]?[$0] }.map { PersistentVolumeClaim($0) }
            return present?.spec.volumeName == object.name ? nil : "is bound to a claim that does not have it"
        case "Released": return policy == "Retain" ? nil : "was not reclaimed, as \(policy) asks"
        default: return "is \(volume.status.phase.isEmpty ? "nothing" : volume.status.phase): \(volume.status.message)"
        }
    }

    /// An autoscaler is at rest: its target has as many replicas as its work takes, or as it may have.
    func autoscaler(_ object: StoredObject, _ value: Value) -> String? {
        let scaler = HorizontalPodAutoscaler(value)
        let name = ObjectName(namespace: object.namespace, name: scaler.spec.scaleTargetRef.name)
        guard !object.isDeleting, !isCrowded(object.namespace),
            let deployment = ledger.values["deployments"]?[name].map({ Deployment($0) }),
            deployment.metadata.deletionTimestamp == nil, !deployment.spec.paused,
            let replicas = deployment.spec.replicas, replicas > 0
        else { return nil }
        let (least, most) = (scaler.spec.minReplicas ?? 1, scaler.spec.maxReplicas)
        guard (least...max(least, most)).contains(replicas) else {
            return "may have \(least) to \(most) replicas, and has \(replicas)"
        }
        // Pods of others that were given the label are measured too.
        let counted = ledger.pods.values.count {
            $0.name.namespace == object.namespace && $0.labels["app"]?.string == name.name && !$0.isOver && !$0.isDeleting
        }
        guard counted == replicas else { return nil }
        let share = SimulatedMetrics.load(of: deployment.metadata.annotations) / replicas
        // Of a target of 100 a tenth more or less is as good.
        if share > 110, replicas < most { return "has \(replicas) replicas at \(share)m of 100m, and may have \(most)" }
        let fewer = (share * replicas + 99) / 100
        if share < 90, max(fewer, least) < replicas {
            return "has \(replicas) replicas at \(share)m of 100m, and needs \(max(fewer, least))"
        }
        return nil
    }

    /// Whether something is ending as long as others use it: a claim as long as pods do, a volume as long as it is bound.
    func isHeld(_ kind: String, _ object: StoredObject) -> Bool {
        switch kind {
        case "persistentvolumes":
            return ledger.values[kind]?[object.objectName]?.at("status", "phase") == "Bound"
        case "persistentvolumeclaims":
            return ledger.pods.values.contains {
                $0.name.namespace == object.namespace && $0.claims.contains(object.name) && !$0.node.isEmpty
            }
        default: return false
        }
    }
}
