import API
import APIMachinery

/// What is to be made for a claim, or why nothing can be.
///
/// Pure: the directory is made by ``LocalPathProvisioner``.
struct LocalVolumePlan: Hashable, Sendable {
    enum Kind: String, Hashable, Sendable {
        case local
        case hostPath
    }

    /// Why a claim cannot be served, in the words of the original provisioner.
    struct Refusal: Error, Hashable, Sendable {
        var message: String
    }

    let claim: PersistentVolumeClaim
    let storageClass: StorageClass
    let node: Node
    private let kind: Kind
    private let nodeLabel: String

    /// Parameters of a class that are understood; `nodePath` must name the one place there is.
    private static let nodeLabelParameter = "nodeAffinityKey"

    init(
        _ claim: PersistentVolumeClaim, _ storageClass: StorageClass, on node: Node?
    ) throws(Refusal) {
        guard (claim.spec.volumeMode ?? "Filesystem") != "Block" else {
            throw Refusal(message: "\(LocalPathNames.provisioner) does not support block volume provisioning")
        }
        func refusal(_ why: String) -> Refusal {
            let name = GoText.quoted(storageClass.metadata.name)
            return Refusal(message: "failed to provision volume with StorageClass \(name): \(why)")
        }
        guard claim.spec.selector == nil else { throw refusal("claim.Spec.Selector is not supported") }
        guard claim.spec.accessModes.allSatisfy(["ReadWriteOnce", "ReadWriteOncePod"].contains) else {
            throw refusal("NodePath only supports ReadWriteOnce and ReadWriteOncePod (1.22+) access modes")
        }
        guard let node else { throw refusal("configuration error, no node was specified") }
        let parameters = storageClass.parameters
        if let other = parameters.keys.sorted().first(where: { $0 != Self.nodeLabelParameter }) {
            throw refusal("this version does not know the parameter \(GoText.quoted(other))")
        }
        let type =
            claim.metadata.annotations[LocalPathNames.volumeType]
            ?? storageClass.metadata.annotations[LocalPathNames.defaultVolumeType] ?? Kind.hostPath.rawValue
        guard let kind = Kind.allNames[type] else {
            throw refusal("\(GoText.quoted(type)) is not a recognised volume type")
        }
        self.claim = claim
        self.storageClass = storageClass
        self.node = node
        self.kind = kind
        nodeLabel = parameters[Self.nodeLabelParameter] ?? "kubernetes.io/hostname"
    }

    static func volumeName(for claim: PersistentVolumeClaim) -> String { "pvc-" + claim.metadata.uid }

    var volumeName: String { Self.volumeName(for: claim) }

    var directoryName: String { "\(volumeName)_\(claim.metadata.namespace)_\(claim.metadata.name)" }

    /// The volume whose data is at `path`, kept for the claim.
    func volume(at path: String) -> PersistentVolume {
        var volume = PersistentVolume(name: volumeName)
        volume.metadata.annotations = [
            VolumeAnnotation.provisionedBy: LocalPathNames.provisioner,
            LocalPathNames.selectedNode: node.metadata.name,
        ]
        volume.spec.capacity = claim.spec.resources.requests.filter { $0.key == "storage" }
        volume.spec.accessModes = claim.spec.accessModes
        volume.spec.volumeMode = "Filesystem"
        volume.spec.persistentVolumeReclaimPolicy = storageClass.reclaimPolicy ?? "Delete"
        volume.spec.storageClassName = storageClass.metadata.name
        volume.spec.mountOptions = storageClass.mountOptions
        volume.spec.claimRef = claim.reference
        switch kind {
        case .local:
            var source = LocalVolumeSource()
            source.path = path
            volume.spec.local = source
        case .hostPath:
            var source = HostPathVolumeSource()
            source.path = path
            source.type = "DirectoryOrCreate"
            volume.spec.hostPath = source
        }
        volume.spec.nodeAffinity = VolumeNodeAffinity(["required": affinity])
        return volume
    }

    private var affinity: Value {
        let label = node.metadata.labels[nodeLabel] ?? node.metadata.name
        return [
            "nodeSelectorTerms": [
                [
                    "matchExpressions": [
                        ["key": .string(nodeLabel), "operator": "In", "values": [.string(label)]]
                    ]
                ]
            ]
        ]
    }
}

extension LocalVolumePlan.Kind {
    /// By the spelling that annotations have, in any case of letters.
    fileprivate static let allNames: [String: Self] = [
        "local": .local, "hostPath": .hostPath, "hostpath": .hostPath,
    ]
}
