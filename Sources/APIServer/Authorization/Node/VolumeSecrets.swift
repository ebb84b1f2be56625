import APIMachinery
import Client

/// The secrets with which a node mounts a PersistentVolume. Those that only controllers need are left out. Pure.
enum VolumeSecrets {
    /// `claim` is what the volume is bound to: secrets without a namespace are in that of the claim.
    static func names(_ volume: Value, for claim: ObjectName) -> [ObjectName] {
        var names: [ObjectName] = []
        func take(_ reference: Value?) {
            guard let name = reference?["name"]?.string, !name.isEmpty else { return }
            let namespace = reference?["namespace"]?.string ?? ""
            names.append(ObjectName(namespace: namespace.isEmpty ? claim.namespace : namespace, name: name))
        }
        let spec = volume["spec"] ?? .emptyObject
        for kind in ["cephfs", "flexVolume", "rbd", "scaleIO", "iscsi", "storageos"] { take(spec.at(kind, "secretRef")) }
        for use in ["nodePublishSecretRef", "nodeStageSecretRef", "nodeExpandSecretRef"] { take(spec.at("csi", use)) }
        if let file = spec["azureFile"], let name = file["secretName"] {
            take(["name": name, "namespace": file["secretNamespace"] ?? ""])
        }
        return names
    }
}
