import API
import APIMachinery
import Client

/// What becomes of a volume because of the claim that it is kept for.
struct VolumeDecision: Sendable {
    enum Phase: String, Hashable, Sendable {
        case available = "Available"
        case bound = "Bound"
        case released = "Released"
        case failed = "Failed"
    }

    enum Action: Hashable, Sendable {
        case nothing
        case setPhase(Phase)
        /// The claim took another volume: forget it.
        case unbind
        /// What the volume asks for when it is released cannot be done.
        case fail(ControllerNote)
        /// The folder, by its path below `/tmp`, goes, and the volume with it.
        case delete(folder: String)
        /// It shall be emptied: what comes next, ``RecycleDecision`` says.
        case recycle
        /// Tell the person who set the two up, and wait for a change.
        case warn(ControllerNote)
    }

    var volume: PersistentVolume
    /// The claim of the name, and of the uid if one is given, that the volume is kept for.
    var claim: PersistentVolumeClaim?
    /// Whether folders can be removed.
    var removesFolders = false

    var action: Action {
        // Kept for a claim that did not take it yet: the claim's pass binds.
        guard let reference = volume.spec.claimRef, !reference.uid.isEmpty else { return phase(.available) }
        guard let claim else { return released }
        if claim.spec.volumeName.isEmpty {
            guard (volume.spec.volumeMode ?? "Filesystem") == (claim.spec.volumeMode ?? "Filesystem") else {
                let name = GoText.quoted(claim.metadata.name)
                return .warn(
                    ControllerNote(
                        kind: .warning, reason: "VolumeMismatch",
                        message:
                            "Cannot bind PersistentVolume to requested PersistentVolumeClaim \(name) due to "
                            + "incompatible volumeMode."))
            }
            return .nothing
        }
        if claim.spec.volumeName == volume.metadata.name { return phase(.bound) }
        // Made for a claim that got another volume meanwhile: nobody will want it.
        return isProvisioned && policy == "Delete" ? released : .unbind
    }

    private var released: Action {
        switch volume.status.phase {
        // Tried again: whatever was in the way may be gone.
        case Phase.failed.rawValue:
            switch reclaim {
            case .recycle: .recycle
            case .delete(let folder): .delete(folder: folder)
            default: .nothing
            }
        case Phase.released.rawValue: reclaim
        default: .setPhase(.released)
        }
    }

    /// What is to be done with a released volume. One that was made on demand is its provisioner's to delete.
    private var reclaim: Action {
        switch policy {
        case "Retain": .nothing
        case "Delete" where isProvisioned: .nothing
        case "Delete" where removesFolders && volume.spec.hostPath != nil:
            folder.map { .delete(folder: $0) }
                ?? fail(
                    "VolumeFailedDelete",
                    "host_path deleter only supports /tmp/.+ but received provided \(volume.spec.hostPath?.path ?? "")")
        case "Delete":
            fail(
                "VolumeFailedDelete",
                "error getting deleter volume plugin for volume \(GoText.quoted(volume.metadata.name)): "
                    + "no deletable volume plugin matched")
        case "Recycle": .recycle
        default: fail("VolumeUnknownReclaimPolicy", "Volume has an unrecognized reclaim policy")
        }
    }

    /// Where it is below `/tmp`: nothing else is ever removed.
    private var folder: String? {
        let parts = (volume.spec.hostPath?.path ?? "").split(separator: "/", omittingEmptySubsequences: true)
        guard volume.spec.hostPath?.path.hasPrefix("/") == true, parts.first == "tmp", parts.count > 1,
            !parts.contains("."), !parts.contains("..")
        else { return nil }
        return parts.dropFirst().joined(separator: "/")
    }

    private var policy: String { volume.spec.persistentVolumeReclaimPolicy }
    private var isProvisioned: Bool { volume.metadata.annotations[VolumeAnnotation.provisionedBy] != nil }

    private func phase(_ phase: Phase) -> Action {
        volume.status.phase == phase.rawValue ? .nothing : .setPhase(phase)
    }

    private func fail(_ reason: String, _ message: String) -> Action {
        .fail(ControllerNote(kind: .warning, reason: reason, message: message))
    }
}
