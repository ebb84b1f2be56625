import API
public import APIMachinery
import Client
public import Controllers
import Support

/// Makes and removes the volumes of `local-path` classes: a directory on the node that runs the pod.
///
/// Does what the provisioner that k3s bundles does, without its pods: the same volumes, places, annotations
/// and events.
public struct LocalPathProvisioner: Controller {
    public let name = LocalPathNames.provisioner
    private let directories: any LocalVolumeDirectories

    public init(directories: any LocalVolumeDirectories) { self.directories = directories }

    /// For a cluster of one node: this one.
    ///
    /// - Parameters:
    ///   - storageRoot: An absolute path; `<data directory>/storage` unless the user says otherwise.
    ///   - nodeName: The name of the node that this process runs on.
    public init(storageRoot: String, nodeName: String) {
        self.init(directories: HostVolumeDirectories(root: storageRoot, node: nodeName))
    }

    private enum Key: Hashable, Sendable {
        case claim(ObjectName)
        case volume(ObjectName)
    }

    public func run(_ context: ControllerContext) async throws(Status) {
        let claims = try await context.client.observe(PersistentVolumeClaim.self)
        let volumes = try await context.client.observe(PersistentVolume.self)
        let classes = try await context.client.observe(StorageClass.self)
        let nodes = try await context.client.observe(Node.self)
        let work = LocalPathWork(
            context: context, directories: directories, claims: claims, volumes: volumes, classes: classes,
            nodes: nodes)
        typealias Source = ReconcileLoop<Key>.Source
        let sources = [
            Source(claims) { $0.new == nil ? [] : [.claim($0.name)] },
            Source(volumes) { $0.new == nil ? [] : [.volume($0.name)] },
        ]
        await ReconcileLoop<Key>(context).run(sources, workers: 2) { key throws(Status) in
            switch key {
            case .claim(let name): try await work.provision(name)
            case .volume(let name): try await work.delete(name)
            }
            return nil
        }
    }
}

/// One pass over one claim or volume.
private struct LocalPathWork: Sendable {
    let context: ControllerContext
    let directories: any LocalVolumeDirectories
    let claims: any ObjectSet
    let volumes: any ObjectSet
    let classes: any ObjectSet
    let nodes: any ObjectSet

    // MARK: Making

    func provision(_ name: ObjectName) async throws(Status) {
        guard let claim = claims.get(PersistentVolumeClaim.self, name), isAsked(claim),
            volumes.get(ObjectName(name: LocalVolumePlan.volumeName(for: claim))) == nil,
            let storageClass = classes.get(StorageClass.self, ObjectName(name: claim.className)),
            storageClass.provisioner == LocalPathNames.provisioner,
            !storageClass.waitsForConsumer || claim.selectedNode != nil
        else { return }
        record(
            claim, reason: "Provisioning", "External provisioner is provisioning volume for claim \"\(name)\""
        )
        let node = claim.selectedNode.flatMap { nodes.get(Node.self, ObjectName(name: $0)) }
        let plan: LocalVolumePlan
        do throws(LocalVolumePlan.Refusal) {
            plan = try LocalVolumePlan(claim, storageClass, on: node)
        } catch {
            // Trying again would give the same answer; a change of the claim brings the next try.
            return record(claim, .warning, reason: "ProvisioningFailed", error.message)
        }
        let path = try await makeDirectory(of: plan)
        do throws(Status) {
            try await context.client.create(plan.volume(at: path))
        } catch {
            guard error.isAlreadyExists else { throw error }
        }
        record(claim, reason: "ProvisioningSucceeded", "Successfully provisioned volume \(plan.volumeName)")
    }

    private func isAsked(_ claim: PersistentVolumeClaim) -> Bool {
        let annotations = claim.metadata.annotations
        let provisioner =
            annotations[VolumeAnnotation.provisioner] ?? annotations[VolumeAnnotation.olderProvisioner]
        return provisioner == LocalPathNames.provisioner && claim.spec.volumeName.isEmpty
            && claim.metadata.deletionTimestamp == nil
    }

    private func makeDirectory(of plan: LocalVolumePlan) async throws(Status) -> String {
        do throws(Fault) {
            return try await directories.make(plan.directoryName, on: plan.node.metadata.name)
        } catch {
            let name = GoText.quoted(plan.storageClass.metadata.name)
            let message = "failed to provision volume with StorageClass \(name): \(error)"
            record(plan.claim, .warning, reason: "ProvisioningFailed", message)
            throw .internalError(message)
        }
    }

    // MARK: Removing

    func delete(_ name: ObjectName) async throws(Status) {
        guard let volume = volumes.get(PersistentVolume.self, name), isReleased(volume) else { return }
        let node = volume.metadata.annotations[LocalPathNames.selectedNode] ?? Self.node(in: volume)
        // The data went with its node.
        if nodes.get(ObjectName(name: node)) != nil { try await removeDirectory(of: volume, on: node) }
        let options = DeletionOptions(preconditionUID: volume.metadata.uid)
        try await context.client.delete(PersistentVolume.self, name, options)
    }

    private func isReleased(_ volume: PersistentVolume) -> Bool {
        volume.metadata.annotations[VolumeAnnotation.provisionedBy] == LocalPathNames.provisioner
            && volume.spec.persistentVolumeReclaimPolicy == "Delete" && volume.status.phase == "Released"
            && volume.metadata.deletionTimestamp == nil
    }

    /// The only value of the volume's node affinity: older provisioners left no annotation.
    private static func node(in volume: PersistentVolume) -> String {
        let terms = volume.value.at("spec", "nodeAffinity", "required", "nodeSelectorTerms")?.array ?? []
        return terms.first?["matchExpressions"]?.array?.first?["values"]?.array?.first?.string ?? ""
    }

    private func removeDirectory(of volume: PersistentVolume, on node: String) async throws(Status) {
        let path = volume.spec.local?.path ?? volume.spec.hostPath?.path ?? ""
        do throws(Fault) {
            try await directories.remove(path, on: node)
        } catch {
            record(volume, .warning, reason: "VolumeFailedDelete", "\(error)")
            throw .internalError("volume \(volume.metadata.name) cannot be removed: \(error)")
        }
    }

    private func record(
        _ object: some ResourceView, _ kind: EventNote.Kind = .normal, reason: String, _ message: String
    ) {
        context.events.record(object, kind, reason: reason, message: message, at: context.now())
    }
}
