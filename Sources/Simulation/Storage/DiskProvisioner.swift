import API
import APIMachinery
import Client
import Controllers

/// Makes volumes for claims of its classes, and deletes those that nobody needs: the program that a cluster's storage brings
/// along, as a client of the API like any other.
struct DiskProvisioner: Controller {
    let name = "disk-provisioner"
    static let provisioner = "simulation/disk"

    func run(_ context: ControllerContext) async throws(Status) {
        let claims = try await context.client.observe(PersistentVolumeClaim.self)
        let volumes = try await context.client.observe(PersistentVolume.self)
        let classes = try await context.client.observe(StorageClass.self)
        enum Key: Hashable, Sendable { case claim(ObjectName), volume(ObjectName) }
        let sources: [ReconcileLoop<Key>.Source] = [
            .init(claims) { [.claim($0.name)] }, .init(volumes) { [.volume($0.name)] },
        ]
        await ReconcileLoop<Key>(context).run(sources) { key throws(Status) in
            switch key {
            case .claim(let name):
                guard let claim = claims.get(PersistentVolumeClaim.self, name),
                    let storageClass = classes.get(StorageClass.self, ObjectName(name: claim.className)),
                    let volume = Self.volume(for: claim, storageClass)
                else { return nil }
                try await Self.create(volume, context)
            case .volume(let name):
                guard let volume = volumes.get(PersistentVolume.self, name), Self.isUnwanted(volume) else { return nil }
                let options = DeletionOptions(preconditionUID: volume.metadata.uid)
                try await context.client.delete(PersistentVolume.self, name, options)
            }
            return nil
        }
    }

    private static func create(_ volume: PersistentVolume, _ context: ControllerContext) async throws(Status) {
        do throws(Status) {
            try await context.client.create(volume)
        } catch {
            // Made in an earlier pass, whose answer was lost.
            guard error.isAlreadyExists else { throw error }
        }
    }

    /// The volume that a claim waits for; `nil` when it does not, or not for one of ours, or not yet.
    static func volume(for claim: PersistentVolumeClaim, _ storageClass: StorageClass) -> PersistentVolume? {
        guard claim.metadata.annotations[VolumeAnnotation.provisioner] == provisioner, claim.spec.volumeName.isEmpty,
            claim.metadata.deletionTimestamp == nil, !storageClass.waitsForConsumer || claim.selectedNode != nil
        else { return nil }
        var volume = PersistentVolume(name: "pvc-" + claim.metadata.uid)
        volume.metadata.annotations[VolumeAnnotation.provisionedBy] = provisioner
        volume.spec.accessModes = claim.spec.accessModes
        volume.spec.capacity = claim.spec.resources.requests
        volume.spec.persistentVolumeReclaimPolicy = storageClass.reclaimPolicy ?? "Delete"
        volume.spec.storageClassName = claim.className
        volume.spec.claimRef = claim.reference
        volume.value[path: ["spec", "hostPath"]] = ["path": .string("/disks/" + claim.metadata.uid)]
        if let node = claim.selectedNode {
            let here: Value = ["key": "kubernetes.io/hostname", "operator": "In", "values": [.string(node)]]
            volume.value[path: ["spec", "nodeAffinity"]] = [
                "required": ["nodeSelectorTerms": [["matchExpressions": [here]]]]
            ]
        }
        return volume
    }

    /// Whether a volume is ours to delete.
    static func isUnwanted(_ volume: PersistentVolume) -> Bool {
        volume.metadata.annotations[VolumeAnnotation.provisionedBy] == provisioner
            && volume.spec.persistentVolumeReclaimPolicy == "Delete" && volume.status.phase == "Released"
            && volume.metadata.deletionTimestamp == nil
    }
}
