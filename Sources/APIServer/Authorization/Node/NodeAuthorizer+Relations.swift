import API
import APIMachinery
import Client

/// What a node has to do with: its pods, what they refer to, and what that refers to in turn.
///
///     node <- pod <- secret, configmap, service account, resource claim
///     node <- pod <- claim <- volume <- secret
///     node <- volume attachment, resource slice
extension NodeAuthorizer {
    func isRelated(_ node: String, _ request: AccessRequest) -> Bool {
        let name = ObjectName(namespace: request.namespace, name: request.name)
        switch request.resource {
        case "secrets": return isReferred("secrets", name, node) || isNeededByVolume(name, node)
        case "persistentvolumes":
            guard let claim = objects.volumes.get(ObjectName(name: request.name)).flatMap(Self.claim(of:)) else { return false }
            return isReferred("persistentvolumeclaims", claim, node)
        case "volumeattachments":
            return objects.attachments.get(ObjectName(name: request.name))?.value.at("spec", "nodeName")?.string == node
        case "resourceslices":
            return objects.slices.get(ObjectName(name: request.name))?.value.at("spec", "nodeName")?.string == node
        case "pods": return onNode.contains(name, on: node)
        default: return isReferred(request.resource, name, node)
        }
    }

    private func isReferred(_ resource: String, _ name: ObjectName, _ node: String) -> Bool {
        onNode.names(on: node).contains { pod in
            guard pod.namespace == name.namespace, let object = objects.pods.get(pod) else { return false }
            let pod = Pod(object)
            // What a node brings about by itself must not open anything to it.
            return !pod.isMirror && PodReferences.contain(resource, name.name, pod)
        }
    }

    /// Whether a volume that a pod on the node uses is mounted with the secret.
    private func isNeededByVolume(_ secret: ObjectName, _ node: String) -> Bool {
        onNode.names(on: node).contains { pod in
            guard let object = objects.pods.get(pod) else { return false }
            let pod = Pod(object)
            guard !pod.isMirror else { return false }
            return PodReferences.claims(of: pod).contains { claim in
                let name = ObjectName(namespace: pod.metadata.namespace, name: claim)
                guard let volumeName = objects.claims.get(name)?.value.at("spec", "volumeName")?.string,
                    let volume = objects.volumes.get(ObjectName(name: volumeName)), Self.claim(of: volume) == name
                else { return false }
                return VolumeSecrets.names(volume.value, for: name).contains(secret)
            }
        }
    }

    /// The claim that a volume is bound to.
    private static func claim(of volume: StoredObject) -> ObjectName? {
        guard let claim = volume.value.at("spec", "claimRef") else { return nil }
        return ObjectName(namespace: claim["namespace"]?.string ?? "", name: claim["name"]?.string ?? "")
    }
}

extension Pod {
    /// The image of a pod that the node has from elsewhere.
    fileprivate var isMirror: Bool { value.at("metadata", "annotations", "kubernetes.io/config.mirror") != nil }
}
