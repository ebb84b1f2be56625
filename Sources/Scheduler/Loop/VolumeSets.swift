import API
import APIMachinery
import Client

/// The live sets from which a pod's volumes are judged.
struct VolumeSets: Sendable {
    let claims: any ObjectSet
    let volumes: any ObjectSet
    let classes: any ObjectSet

    var all: [any ObjectSet] { [claims, volumes, classes] }

    func facts(of pod: PodFacts) -> VolumeFacts {
        VolumeFacts(
            claims: pod.claims.map { name in
                (name, judge(ObjectName(namespace: pod.name.namespace, name: name)))
            })
    }

    private func judge(_ name: ObjectName) -> VolumeFacts.Claim {
        guard let claim = claims.get(PersistentVolumeClaim.self, name) else { return .missing }
        if claim.metadata.deletionTimestamp != nil { return .deleting }
        if !claim.spec.volumeName.isEmpty, claim.status.phase == "Bound" {
            let volume = volumes.get(PersistentVolume.self, ObjectName(name: claim.spec.volumeName))
            let required = volume?.value.at("spec", "nodeAffinity", "required")
            return .bound(nodes: required.flatMap { try? NodeSelector($0) })
        }
        let className = claim.spec.storageClassName ?? ""
        let mode = classes.get(StorageClass.self, ObjectName(name: className))?.volumeBindingMode
        // A volume that was chosen for it and is not bound yet will be: the claim's change wakes the pod.
        return mode == "WaitForFirstConsumer" && claim.spec.volumeName.isEmpty ? .waitsForConsumer : .unbound
    }
}
