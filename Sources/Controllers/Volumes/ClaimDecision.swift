import API
import APIMachinery
import Client

/// What becomes of a claim: the side from which Kubernetes binds.
///
/// Pure: it is told which volumes come into question. Its shell is ``PersistentVolumeBinder``.
struct ClaimDecision: Sendable {
    enum Action: Hashable, Sendable {
        /// Write on both sides what is not written yet.
        case bind(PersistentVolume)
        /// The claim names no class, and there is a default one now.
        case assignClass(String)
        /// Ask this provisioner for a volume, by the claim's annotations.
        case provision(by: String)
        /// Nothing can be done now.
        case wait(ControllerNote?)
        /// The volume with the data is gone.
        case lose(ControllerNote)
    }

    var claim: PersistentVolumeClaim
    /// The volume that the claim names; `nil` when it names none or there is none.
    var named: PersistentVolume?
    /// The volumes that are free, or kept for this claim.
    var candidates: [PersistentVolume] = []
    /// The class that the claim asks for.
    var storageClass: StorageClass?
    var defaultClass: String?
    /// The pods that use the claim and have no node yet.
    var waitingPods: [String] = []

    var action: Action {
        if claim.metadata.annotations[VolumeAnnotation.bindCompleted] != nil { return kept }
        return claim.spec.volumeName.isEmpty ? matched : requested
    }

    /// A claim that was bound before.
    private var kept: Action {
        guard !claim.spec.volumeName.isEmpty else {
            return lost(
                "ClaimLost", "Bound claim has lost reference to PersistentVolume. Data on the volume is lost!"
            )
        }
        guard let named else {
            return lost("ClaimLost", "Bound claim has lost its PersistentVolume. Data on the volume is lost!")
        }
        // A volume without reference was made anew by a person, from a backup perhaps.
        if named.spec.claimRef == nil || named.spec.claimRef?.uid == claim.metadata.uid {
            return .bind(named)
        }
        return lost(
            "ClaimMisbound", "Two claims are bound to the same volume, this one is bound incorrectly")
    }

    /// A claim that names its volume, and is not bound to it yet.
    private var requested: Action {
        guard let named else { return .wait(nil) }
        if named.isReserved(for: claim) { return .bind(named) }
        let name = GoText.quoted(named.metadata.name)
        guard named.spec.claimRef == nil else {
            return wait("FailedBinding", "volume \(name) already bound to a different claim.", .warning)
        }
        if let mismatch = VolumeMatch.mismatch(claim, named) {
            return wait("VolumeMismatch", "Cannot bind to requested volume \(name): \(mismatch)", .warning)
        }
        return .bind(named)
    }

    /// A claim that takes any volume that suits it.
    private var matched: Action {
        if claim.metadata.deletionTimestamp != nil { return .wait(nil) }
        if let reserved = VolumeMatch.reserved(for: claim, among: candidates) { return .bind(reserved) }
        let isDelayed = storageClass?.waitsForConsumer == true
        // Which of the free volumes a delayed claim gets is the scheduler's choice: it knows the node.
        if !isDelayed, let best = VolumeMatch.candidates(for: claim, among: candidates).first {
            return .bind(best)
        }
        if claim.leavesClassOpen, let defaultClass { return .assignClass(defaultClass) }
        if isDelayed, claim.selectedNode == nil { return waitForConsumer }
        guard !claim.className.isEmpty else {
            return wait(
                "FailedBinding", "no persistent volumes available for this claim and no storage class is set")
        }
        return provision
    }

    private var waitForConsumer: Action {
        switch waitingPods.count {
        case 0: wait("WaitForFirstConsumer", "waiting for first consumer to be created before binding")
        case 1: wait("WaitForPodScheduled", "waiting for pod \(waitingPods[0]) to be scheduled")
        default:
            wait(
                "WaitForPodScheduled",
                "waiting for pods \(waitingPods.joined(separator: ",")) to be scheduled")
        }
    }

    private var provision: Action {
        guard let storageClass else {
            let name = GoText.quoted(claim.className)
            return wait("ProvisioningFailed", "storageclass.storage.k8s.io \(name) not found", .warning)
        }
        let provisioner = storageClass.provisioner
        // Names of this form were volume plugins inside Kubernetes. None is left, and `no-provisioner` never
        // was one.
        guard !provisioner.hasPrefix("kubernetes.io/") else {
            return wait("ProvisioningFailed", "no volume plugin matched name: \(provisioner)", .warning)
        }
        let annotations = claim.metadata.annotations
        guard annotations[VolumeAnnotation.provisioner] == provisioner,
            annotations[VolumeAnnotation.olderProvisioner] == provisioner
        else { return .provision(by: provisioner) }
        return wait(
            "ExternalProvisioning",
            "Waiting for a volume to be created either by the external provisioner '\(provisioner)' or manually "
                + "by the system administrator. If volume creation is delayed, please verify that the "
                + "provisioner is running and correctly registered.")
    }

    private func wait(
        _ reason: String, _ message: String, _ kind: EventNote.Kind = .normal
    ) -> Action {
        .wait(ControllerNote(kind: kind, reason: reason, message: message))
    }

    private func lost(_ reason: String, _ message: String) -> Action {
        .lose(ControllerNote(kind: .warning, reason: reason, message: message))
    }
}
