import API
import APIMachinery
import PKI
import Support

/// A volume of a storage driver, as a pod shall have it. Pure.
struct CSIVolume: Hashable, Sendable {
    /// The PersistentVolume; of a volume that lives with its pod, the pod's name for it.
    let name: String
    let driver: String
    let handle: String
    var fsType: String
    var attributes: [String: String]
    /// Empty for one that lives with its pod.
    var accessModes: [String] = []
    var mountOptions: [String] = []
    var isReadOnly: Bool
    var isBlock = false
    /// It lives with its pod (KEP 596).
    var isEphemeral = false
    var stageSecret: ObjectName?
    var publishSecret: ObjectName?
    var expandSecret: ObjectName?

    /// `nil` for a volume of another kind.
    init?(_ volume: PersistentVolume, isReadOnly: Bool) {
        guard let source = volume.spec.csi else { return nil }
        name = volume.metadata.name
        (driver, handle) = (source.driver, source.volumeHandle)
        (fsType, attributes) = (source.fsType, source.volumeAttributes)
        (accessModes, mountOptions) = (volume.spec.accessModes, volume.spec.mountOptions)
        self.isReadOnly = isReadOnly
        isBlock = volume.spec.volumeMode == "Block"
        stageSecret = source.nodeStageSecretRef?.objectName
        publishSecret = source.nodePublishSecretRef?.objectName
        expandSecret = source.nodeExpandSecretRef?.objectName
    }

    init(_ source: CSIVolumeSource, named name: String, of pod: Pod) {
        self.name = name
        driver = source.driver
        handle = "csi-" + Hex.encode(Digest.sha256((pod.metadata.uid + name).utf8))
        (fsType, attributes) = (source.fsType ?? "", source.volumeAttributes)
        isReadOnly = source.readOnly ?? false
        isEphemeral = true
        publishSecret = source.nodePublishSecretRef.map {
            ObjectName(namespace: pod.metadata.namespace, name: $0.name)
        }
    }

    /// As a node's status names it.
    var uniqueName: String { Self.uniqueName(driver, handle) }

    static func uniqueName(_ driver: String, _ handle: String) -> String { "kubernetes.io/csi/\(driver)^\(handle)" }

    /// The name that everybody gives its attachment to a node: whoever attaches makes it.
    func attachmentName(on node: String) -> String {
        "csi-" + Hex.encode(Digest.sha256((handle + driver + node).utf8))
    }

    var lifecycleMode: String { isEphemeral ? "Ephemeral" : "Persistent" }
}

extension SecretReference {
    fileprivate var objectName: ObjectName { ObjectName(namespace: namespace, name: name) }
}
