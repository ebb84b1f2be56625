import API
import Support

/// What a CSIDriver object says about mounting volumes of its driver; defaults where there is none. Pure.
struct DriverPolicy: Hashable, Sendable {
    private let driver: CSIDriver?
    private let name: String

    init(_ driver: CSIDriver?, of name: String) { (self.driver, self.name) = (driver, name) }

    private var spec: CSIDriverSpec? { driver?.spec }

    /// A driver that says nothing of itself wants it.
    var isAttachRequired: Bool { spec?.attachRequired ?? true }
    /// Whether it asks to be called again and again while a volume is mounted.
    var isRepublishRequired: Bool { spec?.requiresRepublish ?? false }
    var tokenRequests: [StorageV1TokenRequest] { spec?.tokenRequests ?? [] }
    var hasTokensInSecrets: Bool { spec?.serviceAccountTokenInSecrets ?? false }

    /// Fails for a volume of a kind that the driver does not offer.
    func check(_ volume: CSIVolume) throws(Fault) {
        let mode = volume.lifecycleMode
        guard let spec else {
            guard volume.isEphemeral else { return }
            throw Fault(
                .unsupported, "volume mode \"\(mode)\" not supported by driver \(name) (no CSIDriver object)")
        }
        let modes = spec.volumeLifecycleModes.isEmpty ? ["Persistent"] : spec.volumeLifecycleModes
        guard modes.contains(mode) else {
            let offered = modes.map { "\"\($0)\"" }.joined(separator: " ")
            throw Fault(
                .unsupported, "volume mode \"\(mode)\" not supported by driver \(name) (only supports [\(offered)])")
        }
    }

    /// What a driver that asks for it is told of the pod.
    func podContext(_ pod: Pod, _ volume: CSIVolume) -> [String: String] {
        guard spec?.podInfoOnMount == true else { return [:] }
        return [
            "csi.storage.k8s.io/pod.name": pod.metadata.name,
            "csi.storage.k8s.io/pod.namespace": pod.metadata.namespace,
            "csi.storage.k8s.io/pod.uid": pod.metadata.uid,
            "csi.storage.k8s.io/serviceAccount.name": pod.spec.serviceAccountName,
            "csi.storage.k8s.io/ephemeral": volume.isEphemeral ? "true" : "false",
        ]
    }

    /// Whether the kubelet itself gives the files of a volume to the pod's `fsGroup` (KEP 1682).
    func ownsByGroup(_ volume: CSIVolume) -> Bool {
        guard !volume.isReadOnly, !volume.isBlock else { return false }
        switch spec?.fsGroupPolicy ?? "ReadWriteOnceWithFSType" {
        case "None": return false
        case "File": return true
        default:
            guard !volume.fsType.isEmpty else { return false }
            return volume.isEphemeral
                || volume.accessModes.contains { $0 == "ReadWriteOnce" || $0 == "ReadWriteOncePod" }
        }
    }
}
