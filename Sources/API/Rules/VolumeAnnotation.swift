import APIMachinery

/// The annotations by which the binder, the scheduler and the provisioners of volumes speak to each other,
/// and the marks of users that they heed.
public enum VolumeAnnotation {
    /// On a claim: its binding is complete, and a volume that is gone from now on is a loss.
    public static let bindCompleted = "pv.kubernetes.io/bind-completed"
    /// On a claim or volume: the controller chose the other side, not the user.
    public static let boundByController = "pv.kubernetes.io/bound-by-controller"
    /// On a volume: the provisioner that made it, and that deletes it.
    public static let provisionedBy = "pv.kubernetes.io/provisioned-by"
    /// On a claim: who shall make its volume.
    public static let provisioner = "volume.kubernetes.io/storage-provisioner"
    /// The older name of ``provisioner``; written beside it, since provisioners read either.
    public static let olderProvisioner = "volume.beta.kubernetes.io/storage-provisioner"
    /// On a claim: the node that the scheduler chose for its first consumer.
    public static let selectedNode = "volume.kubernetes.io/selected-node"
    /// On a claim or volume: its class, in the form that precedes the field.
    public static let olderClass = "volume.beta.kubernetes.io/storage-class"
    /// On a class: claims that name none get this one.
    public static let defaultClass = "storageclass.kubernetes.io/is-default-class"
    public static let olderDefaultClass = "storageclass.beta.kubernetes.io/is-default-class"
}

extension PersistentVolumeClaim {
    /// The class that the claim asks for. Empty when it asks for a volume of no class, or says nothing.
    public var className: String {
        metadata.annotations[VolumeAnnotation.olderClass] ?? spec.storageClassName ?? ""
    }

    /// Whether the claim says nothing of a class, so that the default one is meant.
    public var leavesClassOpen: Bool {
        spec.storageClassName == nil && metadata.annotations[VolumeAnnotation.olderClass] == nil
    }

    /// Whether both sides of its binding were written.
    public var isBindComplete: Bool {
        !spec.volumeName.isEmpty && metadata.annotations[VolumeAnnotation.bindCompleted] != nil
    }

    /// The claim as a volume refers to it.
    public var reference: ObjectReference {
        var reference = ObjectReference()
        reference.kind = Self.kind
        reference.apiVersion = Self.resource.apiVersion
        reference.namespace = metadata.namespace
        reference.name = metadata.name
        reference.uid = metadata.uid
        reference.resourceVersion = metadata.resourceVersion
        return reference
    }

    /// The node that the scheduler chose for the claim's first consumer.
    public var selectedNode: String? {
        metadata.annotations[VolumeAnnotation.selectedNode].flatMap { $0.isEmpty ? nil : $0 }
    }
}

extension PersistentVolume {
    /// The class of the volume; empty for none.
    public var className: String {
        metadata.annotations[VolumeAnnotation.olderClass] ?? spec.storageClassName
    }

    /// Whether the volume is kept for this claim: by name, and by uid if it names one.
    public func isReserved(for claim: PersistentVolumeClaim) -> Bool {
        guard let reference = spec.claimRef else { return false }
        return reference.name == claim.metadata.name && reference.namespace == claim.metadata.namespace
            && (reference.uid.isEmpty || reference.uid == claim.metadata.uid)
    }
}

extension StorageClass {
    public var isDefault: Bool {
        let annotations = metadata.annotations
        return annotations[VolumeAnnotation.defaultClass] == "true"
            || annotations[VolumeAnnotation.olderDefaultClass] == "true"
    }

    /// Whether volumes are bound and made only when the scheduler has placed the first pod that uses them.
    public var waitsForConsumer: Bool { volumeBindingMode == "WaitForFirstConsumer" }

    /// Whether somebody makes volumes of this class on demand.
    public var isProvisioned: Bool { provisioner != Self.noProvisioner }

    /// The provisioner of classes whose volumes people make by hand.
    public static let noProvisioner = "kubernetes.io/no-provisioner"
}
