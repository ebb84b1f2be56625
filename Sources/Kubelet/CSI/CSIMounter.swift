import API
import APIMachinery
import Client
import Host
import Runtime
import Support

/// Mounts the volumes of storage drivers for pods, and takes them away: the steps in their order, each of which may be
/// made again after it was broken off anywhere.
///
/// One volume is worked on by one task at a time.
struct CSIMounter: Sendable {
    let layout: KubeletLayout
    let client: any Client
    let nodeName: String
    let drivers: CSIDrivers
    let turns: Turns
    let tokens: DriverTokens
    let staged: StagedVolumes
    let inUse: VolumesInUse
    let events: EventRecorder?

    /// Where the driver makes the volume appear for a pod.
    func target(_ volume: CSIVolume, podUID: String) -> String {
        volume.isBlock
            ? layout.publishedDevice(volume.name, podUID: podUID) : Path.join(folder(volume, podUID), "mount")
    }

    /// What a container is given of it.
    func place(_ volume: CSIVolume, podUID: String) -> MountedVolumes.Place {
        let path = volume.isBlock ? link(volume, podUID) : target(volume, podUID: podUID)
        return MountedVolumes.Place(path: path, isReadOnly: volume.isReadOnly, isDevice: volume.isBlock)
    }

    private func link(_ volume: CSIVolume, _ podUID: String) -> String {
        layout.deviceLink(volume.name, plugin: "kubernetes.io~csi", podUID: podUID)
    }

    private func folder(_ volume: CSIVolume, _ podUID: String) -> String {
        Path.join(layout.publishedVolumes(podUID: podUID), volume.name)
    }

    // MARK: Mounting

    /// Makes the volume appear for the pod. Waits until it is attached, where that is needed; the fault is in the words
    /// of the event `FailedMount`.
    func mount(_ volume: CSIVolume, for pod: Pod) async throws(Fault) {
        let policy = try await policy(of: volume)
        var context: [String: String] = [:]
        if !volume.isEphemeral, policy.isAttachRequired {
            context = try await AttachmentWait(client: client, nodeName: nodeName).attached(volume)
        }
        try await turns.run(volume.uniqueName) { () throws(Fault) in
            if isMountedAlready(volume, pod) { return }
            // Nobody may detach it from here on.
            if !volume.isEphemeral, policy.isAttachRequired { try await inUse.add(volume.uniqueName) }
            let staging = volume.isEphemeral ? "" : try await stage(volume, pod, context)
            try await publish(volume, pod, policy, staging: staging, context)
        }
    }

    /// Calls the driver again for a volume that is mounted, as it asked for.
    func republish(_ volume: CSIVolume, for pod: Pod) async throws(Fault) {
        let policy = try await policy(of: volume)
        guard policy.isRepublishRequired else { return }
        try await turns.run(volume.uniqueName) { () throws(Fault) in
            let service = try driver(volume, "MountVolume.SetUp", "mounter.SetUpAt failed to get CSI client")
            let stages = try await capabilities(service, volume).contains(.stageUnstageVolume)
            var context: [String: String] = [:]
            if !volume.isEphemeral, policy.isAttachRequired {
                context = try await AttachmentWait(client: client, nodeName: nodeName).attached(volume)
            }
            let staging = stages && !volume.isEphemeral ? layout.staging(volume).path : ""
            let request = try await request(volume, pod, policy, service, staging: staging, context)
            do throws(Fault) { try await service.publish(request) } catch {
                throw error.of("MountVolume.SetUp", volume.name)
            }
        }
    }

    private func policy(of volume: CSIVolume) async throws(Fault) -> DriverPolicy {
        let found: CSIDriver?
        do throws(Status) { found = try await client.find(CSIDriver.self, ObjectName(name: volume.driver)) } catch {
            throw Fault(error, "cannot read the CSIDriver \(volume.driver)")
        }
        let policy = DriverPolicy(found, of: volume.driver)
        do throws(Fault) { try policy.check(volume) } catch {
            throw error.of("MountVolume.NewMounter initialization", volume.name)
        }
        return policy
    }

    /// After a restart, what a running pod has is taken as it is while its driver has not come back.
    private func isMountedAlready(_ volume: CSIVolume, _ pod: Pod) -> Bool {
        guard drivers[volume.driver] == nil, pod.status.phase == "Running" else { return false }
        let data = VolumeData.read(folder(volume, pod.metadata.uid))
        guard data?.uniqueName == volume.uniqueName else { return false }
        return (try? Mounts.isMountPoint(target(volume, podUID: pod.metadata.uid))) == true
    }

    // MARK: Steps

    /// Makes the volume ready on the node, once for all pods. Returns where; empty for a driver that does not stage.
    private func stage(_ volume: CSIVolume, _ pod: Pod, _ context: [String: String]) async throws(Fault) -> String {
        let step = "MountVolume.MountDevice"
        let service = try driver(volume, step, "attacher.MountDevice failed to create newCsiDriverClient")
        let offered = try await capabilities(service, volume)
        let place = layout.staging(volume)
        do throws(Fault) {
            try VolumeData(driver: volume.driver, handle: volume.handle).write(to: place.folder)
            guard offered.contains(.stageUnstageVolume) else { return "" }
            guard !staged.contains(place) else { return place.path }
            try Files.makeDirectory(place.path, mode: 0o750)
        } catch {
            throw error.of(step, volume.name)
        }
        let secrets = try await secrets(volume.stageSecret, "NodeStageSecretRef", step, volume)
        let capability = volume.capability(offered, group: pod.spec.securityContext?.fsGroup)
        do throws(Fault) {
            try await service.stage(
                volume.stageRequest(at: place.path, capability, context: context, secrets: secrets))
        } catch {
            // What surely is not staged needs no unstaging.
            if error.isFinal { try? remove(place.path, in: place.folder) }
            throw error.of(step, volume.name)
        }
        staged.insert(place)
        return place.path
    }

    private func publish(
        _ volume: CSIVolume, _ pod: Pod, _ policy: DriverPolicy, staging: String, _ context: [String: String]
    ) async throws(Fault) {
        let step = "MountVolume.SetUp"
        let service = try driver(volume, step, "mounter.SetUpAt failed to get CSI client")
        let folder = folder(volume, pod.metadata.uid)
        let request = try await request(volume, pod, policy, service, staging: staging, context)
        do throws(Fault) {
            try VolumeData(volume, nodeName: nodeName).write(to: folder)
            try Files.makeDirectory(Path.parent(of: request.targetPath), mode: 0o750)
            do throws(Fault) { try await service.publish(request) } catch {
                if error.isFinal { try? remove(request.targetPath, in: folder) }
                throw error
            }
            if volume.isBlock { try DeviceLink.make(at: link(volume, pod.metadata.uid), to: request.targetPath) }
            // The driver sees to it by itself if it was told the group.
            if request.volumeCapability?.mount?.volumeMountGroup.isEmpty != false {
                try await own(volume, request.targetPath, pod, policy)
            }
        } catch {
            throw error.of(step, volume.name)
        }
    }

    private func request(
        _ volume: CSIVolume, _ pod: Pod, _ policy: DriverPolicy, _ service: any CSINodeService, staging: String,
        _ context: [String: String]
    ) async throws(Fault) -> CSI.NodePublishVolumeRequest {
        let step = "MountVolume.SetUp"
        let offered = try await capabilities(service, volume)
        var secrets = try await secrets(volume.publishSecret, "NodePublishSecretRef", step, volume)
        var told = policy.podContext(pod, volume)
        do throws(Fault) {
            let issued = try await tokens.context(policy, for: pod)
            if policy.hasTokensInSecrets { secrets.merge(issued) { $1 } } else { told.merge(issued) { $1 } }
        } catch {
            throw error.of(step, volume.name)
        }
        return volume.publishRequest(
            at: target(volume, podUID: pod.metadata.uid), staging: staging,
            volume.capability(offered, group: pod.spec.securityContext?.fsGroup), context: context, secrets: secrets,
            told: told)
    }

    /// Gives the files to the group of the pod, on a thread of its own: there may be many.
    private func own(_ volume: CSIVolume, _ path: String, _ pod: Pod, _ policy: DriverPolicy) async throws(Fault) {
        guard policy.ownsByGroup(volume), let ownership = VolumeOwnership(pod, isReadOnly: false) else { return }
        let change = pod.spec.securityContext?.fsGroupChangePolicy ?? "Always"
        try await BlockingWork.run { () throws(Fault) in
            try ownership.applyToTree(path, onlyOnMismatch: change == "OnRootMismatch")
        }
    }

    // MARK: Unmounting

    /// Asks the driver to take away what is in one folder of a pod, and removes the folder.
    func unmount(_ folder: String) async throws(Fault) {
        // A folder without it was never shown to a driver.
        guard let data = VolumeData.read(folder) else { return }
        let name = Path.name(of: folder)
        try await turns.run(data.uniqueName) { () throws(Fault) in
            do throws(Fault) {
                let uid = Path.name(of: Path.parent(of: Path.parent(of: Path.parent(of: folder))))
                let path =
                    data.isBlock ? layout.publishedDevice(name, podUID: uid) : Path.join(folder, "mount")
                let service: any CSINodeService
                do throws(Fault) { service = try drivers.find(data.driver) } catch {
                    throw error.prefixed("kubernetes.io/csi: Unmounter.TearDownAt failed to get CSI client: ")
                }
                do throws(Fault) { try await service.unpublish(data.handle, targetPath: path) } catch {
                    var told = error
                    told.summary = "kubernetes.io/csi: Unmounter.TearDownAt failed: \(error.asTold)"
                    told.cause = nil
                    throw told
                }
                try remove(path, in: folder)
            } catch {
                throw error.of("UnmountVolume.TearDown", name)
            }
        }
        staged.look(at: data)
    }

    /// Removes a place that a driver has left, and what was noted of it. Never what is mounted, and nothing in it.
    private func remove(_ path: String, in folder: String) throws(Fault) {
        try DriverPlace.remove(path)
        // Of a device's place, the folder for all pods.
        let parent = Path.parent(of: path)
        if parent != folder, (try? Files.list(parent))?.isEmpty == true { try Files.remove(parent) }
        try Files.remove(folder)
    }

    // MARK: What the steps need

    func driver(_ volume: CSIVolume, _ step: String, _ what: String) throws(Fault) -> any CSINodeService {
        do throws(Fault) { return try drivers.find(volume.driver) } catch {
            var fault = error
            fault.summary = "kubernetes.io/csi: \(what): \(error.summary)"
            fault.cause = DriverMissing(name: volume.driver)
            throw fault.of(step, volume.name)
        }
    }

    func capabilities(
        _ service: any CSINodeService, _ volume: CSIVolume
    ) async throws(Fault) -> Set<CSI.NodeCapability> {
        do throws(Fault) { return try await service.capabilities() } catch {
            throw error.of("MountVolume.SetUp", volume.name)
        }
    }

    func secrets(
        _ name: ObjectName?, _ field: String, _ step: String, _ volume: CSIVolume
    ) async throws(Fault) -> [String: String] {
        guard let name else { return [:] }
        let secret: Secret
        do throws(Status) { secret = try await client.get(Secret.self, name) } catch {
            var fault = Fault(error, "")
            fault.summary =
                "fetching \(field) \(name) failed: kubernetes.io/csi: failed to find the secret \(name.name) in the "
                + "namespace \(name.namespace) with error: \(error.message)"
            fault = fault.of(step, volume.name)
            throw fault.awaiting(ObjectsRead(revisions: [.init(resource: .secrets, name: name): 0]))
        }
        return secret.data.mapValues { String(decoding: $0, as: UTF8.self) }
    }
}

/// The driver of a volume is not registered: the cause of the fault that says so.
struct DriverMissing: Error, Hashable {
    var name: String
}

/// A path that belongs to a driver.
enum DriverPlace {
    /// Removes it when the driver has left nothing there; fails with `conflict` while it has.
    static func remove(_ path: String) throws(Fault) {
        guard Files.exists(path) else { return }
        guard try !Mounts.isMountPoint(path) else { throw Fault(.conflict, "\(path) is still mounted") }
        if try Files.status(of: path, followingLinks: false).kind == .directory, try !Files.list(path).isEmpty {
            throw Fault(.conflict, "failed to remove dir [\(path)]: directory not empty")
        }
        try Files.remove(path)
    }
}
