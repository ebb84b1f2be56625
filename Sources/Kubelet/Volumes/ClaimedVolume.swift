import API
import APIMachinery
import Support

/// What a claim of a pod leads to on this node. Pure: it judges objects that were read.
enum ClaimedVolume: Hashable, Sendable {
    case hostPath(HostPathVolumeSource)
    case local(path: String)
    /// A block device of this node, of the PersistentVolume of this name.
    case device(path: String, name: String)
    case driver(CSIVolume)
    case network(NetworkFileSystem)

    /// The name of the volume that a claim of the pod is bound to; fails with `unavailable` while it is bound
    /// to none.
    static func volumeName(
        of claim: PersistentVolumeClaim, for pod: Pod, isEphemeral: Bool
    ) throws(Fault) -> String {
        let name = claim.objectName
        // A pod that runs already keeps what it has: its claim waits for it to end.
        if claim.metadata.deletionTimestamp != nil, pod.status.phase != "Running" {
            throw Fault(.unavailable, "can't start pod because PVC \(name) is being deleted")
        }
        // A claim that only looks like that of an ephemeral volume holds another's data.
        if isEphemeral, !claim.metadata.ownerReferences.contains(where: { $0.uid == pod.metadata.uid }) {
            throw Fault(
                .conflict, "PVC \(name) was not created for pod \(pod.objectName) (pod is not owner)",
                remedy: "rename the pod's volume or delete the claim")
        }
        guard claim.status.phase == "Bound", !claim.spec.volumeName.isEmpty else {
            throw Fault(.unavailable, "error processing PVC \(name): PVC is not bound")
        }
        return claim.spec.volumeName
    }

    /// What to mount, `isReadOnly` if the pod says so; fails when the two are not bound to each other, the volume
    /// is not reachable from this node, or it is of a kind that this version has not.
    init(
        _ claim: PersistentVolumeClaim, _ volume: PersistentVolume, isReadOnly: Bool = false, nodeName: String,
        nodeLabels: Fields
    ) throws(Fault) {
        let name = volume.metadata.name
        guard let owner = volume.spec.claimRef, owner.uid == claim.metadata.uid else {
            throw Fault(.conflict, "PersistentVolume \(name) is not bound to the claim \(claim.objectName)")
        }
        if let affinity = volume.spec.nodeAffinity?.required {
            let selector: NodeSelector
            do throws(SelectorError) { selector = try NodeSelector(affinity.value) } catch {
                throw Fault(
                    .invalid, "PersistentVolume \(name) has a node affinity that cannot be read: \(error)")
            }
            guard selector.matches(labels: nodeLabels, name: nodeName) else {
                throw Fault(
                    .unavailable, "PersistentVolume \(name) has a node affinity that excludes this node")
            }
        }
        let isBlock = volume.spec.volumeMode == "Block"
        if let source = volume.spec.local {
            self = isBlock ? .device(path: source.path, name: name) : .local(path: source.path)
        } else if let volume = CSIVolume(volume, isReadOnly: isReadOnly) {
            self = .driver(volume)
        } else if isBlock {
            throw Fault(
                .unsupported, "PersistentVolume \(name) has volumeMode Block, which its kind does not support")
        } else if let source = volume.spec.hostPath {
            self = .hostPath(source)
        } else if let source = volume.spec.nfs {
            self = .network(
                NetworkFileSystem(
                    name: name, server: source.server, path: source.path, options: volume.spec.mountOptions,
                    isReadOnly: isReadOnly || source.readOnly))
        } else {
            throw Fault(.unsupported, "PersistentVolume \(name) is of the kind \(Self.kind(volume.spec))")
        }
    }

    /// The field that says what the volume is: `nfs`, `csi`, ...
    private static func kind(_ spec: PersistentVolumeSpec) -> String {
        let others: Set = [
            "accessModes", "capacity", "claimRef", "mountOptions", "nodeAffinity",
            "persistentVolumeReclaimPolicy",
            "storageClassName", "volumeAttributesClassName", "volumeMode",
        ]
        let kind = spec.value.fields?.keys.first { !others.contains($0) } ?? "none"
        return "\(kind), which is not supported"
    }
}
