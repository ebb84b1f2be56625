import API
import APIMachinery
import Support

/// The four writes of a binding, each as the object after it: the volume's side, its phase, the claim's side,
/// its status. What is written already stays as it is, so a binding that was interrupted is finished from
/// where it stood.
enum VolumeBinding {
    static func reserve(_ volume: PersistentVolume, for claim: PersistentVolumeClaim) -> PersistentVolume {
        var reserved = volume
        if !volume.isReserved(for: claim) {
            reserved.metadata.annotations[VolumeAnnotation.boundByController] = "yes"
        }
        let present = volume.spec.claimRef
        guard present?.uid != claim.metadata.uid || !volume.isReserved(for: claim) else { return reserved }
        reserved.spec.claimRef = claim.reference
        return reserved
    }

    /// Takes the claim from the volume. A reference that a person wrote keeps the name, and loses the uid.
    static func unbind(_ volume: PersistentVolume) -> PersistentVolume {
        var free = volume
        if volume.metadata.annotations[VolumeAnnotation.boundByController] != nil {
            free.spec.claimRef = nil
            free.metadata.annotations[VolumeAnnotation.boundByController] = nil
        } else {
            free.spec.claimRef?.uid = ""
            free.spec.claimRef?.resourceVersion = ""
        }
        return free
    }

    static func setPhase(
        _ phase: VolumeDecision.Phase, message: String = "", of volume: PersistentVolume, at now: Timestamp
    ) -> PersistentVolume {
        var changed = volume
        changed.status.assign(\.message, message)
        guard volume.status.phase != phase.rawValue else { return changed }
        changed.status.phase = phase.rawValue
        changed.status.lastPhaseTransitionTime = now
        return changed
    }

    static func name(_ volume: PersistentVolume, in claim: PersistentVolumeClaim) -> PersistentVolumeClaim {
        var bound = claim
        if claim.spec.volumeName != volume.metadata.name {
            bound.spec.volumeName = volume.metadata.name
            bound.metadata.annotations[VolumeAnnotation.boundByController] = "yes"
        }
        if claim.metadata.annotations[VolumeAnnotation.bindCompleted] == nil {
            bound.metadata.annotations[VolumeAnnotation.bindCompleted] = "yes"
        }
        return bound
    }

    static func report(_ volume: PersistentVolume, in claim: PersistentVolumeClaim) -> PersistentVolumeClaim {
        var reported = claim
        // A claim that is being enlarged states its own capacity.
        if claim.status.phase != "Bound" || claim.status.capacity.isEmpty {
            reported.status.assign(\.capacity, volume.spec.capacity)
        }
        reported.status.assign(\.phase, "Bound")
        reported.status.assign(\.accessModes, volume.spec.accessModes)
        reported.status.assign(\.currentVolumeAttributesClassName, volume.spec.volumeAttributesClassName)
        return reported
    }
}
