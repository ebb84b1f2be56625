import API
import APIMachinery
import PKI
import Support

/// A volume of a CSI driver that has to be attached to a node before its kubelet can mount it.
struct AttachableVolume: Hashable, Sendable {
    /// The PersistentVolume.
    let name: String
    let driver: String
    let handle: String
    /// Whether it may be on one node at a time only.
    let isExclusive: Bool

    /// `nil` for a volume of another kind.
    init?(_ volume: PersistentVolume) {
        guard let source = volume.spec.csi else { return nil }
        name = volume.metadata.name
        (driver, handle) = (source.driver, source.volumeHandle)
        isExclusive = !volume.spec.accessModes.contains { $0 == "ReadWriteMany" || $0 == "ReadOnlyMany" }
    }

    /// As a node's status names it.
    var uniqueName: String { "kubernetes.io/csi/\(driver)^\(handle)" }

    /// The name that everybody gives its attachment to a node: the kubelet looks for it.
    func attachmentName(on node: String) -> String {
        "csi-" + Hex.encode(Digest.sha256((handle + driver + node).utf8))
    }

    /// Whether an attachment has such a name: of any other, somebody else knows what it is for.
    static func isOwn(_ attachment: VolumeAttachment) -> Bool {
        let name = attachment.metadata.name
        return name.hasPrefix("csi-") && name.utf8.count == 68 && name.dropFirst(4).allSatisfy(\.isHexDigit)
    }

    func attachment(to node: String) -> VolumeAttachment {
        var attachment = VolumeAttachment(name: attachmentName(on: node))
        attachment.spec.attacher = driver
        attachment.spec.nodeName = node
        attachment.spec.source.persistentVolumeName = name
        return attachment
    }
}
