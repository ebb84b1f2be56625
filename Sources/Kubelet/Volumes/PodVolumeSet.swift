import API
import APIMachinery
import Client
import Host
import Support

/// The volumes of one pod. An actor, so that mounting, refreshing and giving back come one after the other:
/// what is read and what is written with it stand in one step without suspension.
actor PodVolumeSet {
    /// What all pods of the node share.
    struct Node: Sendable {
        var layout: KubeletLayout
        var client: any Client
        var name: String
        var objects: ObservedObjects
        var storage: StorageDrivers
        var now: @Sendable () -> Timestamp
    }

    private let node: Node
    private let uid: String
    private var mounted: MountedVolumes
    private var files: [FileVolume] = []
    /// What the files of each volume were last made from; equal ingredients make equal files.
    private var written: [String: Ingredients] = [:]
    private var tokens: [TokenRequestKey: IssuedToken] = [:]
    private var allocatable: [String: Quantity]?
    /// Volumes whose drivers want to be called again and again, when that is due, and whether it goes on.
    private var republished: [CSIVolume] = []
    private var nextCall: Timestamp?
    private var isCalling = false
    /// Volumes of drivers with their claims, which may grow.
    private var claimed: [(volume: CSIVolume, claim: ObservedObjects.Key)] = []
    private var isGone = false

    private struct Ingredients: Equatable {
        /// Of the pod, where a file tells of it.
        var pod: Value?
        var read = ObjectsRead()
        var tokens: [TokenRequestKey: IssuedToken] = [:]
    }

    init(_ uid: String, on node: Node) {
        self.uid = uid
        self.node = node
        mounted = MountedVolumes(podUID: uid)
    }

    /// Makes what is missing of the pod's volumes that its containers mount. What takes long is under way when this
    /// fails, and says so (``Fault/isUnderWay``).
    func mount(_ pod: Pod) async throws(Fault) -> MountedVolumes {
        let names = pod.mountedVolumeNames
        var underWay: Fault?
        for volume in pod.spec.volumes where names.contains(volume.name) && mounted.places[volume.name] == nil
        {
            let prepared: Prepared
            do throws(Fault) {
                prepared = try await prepare(volume, of: pod)
                guard !isGone else { throw Fault(.conflict, "the pod is gone") }
            } catch {
                throw error.prefixed("MountVolume.SetUp failed for volume \(GoText.quoted(volume.name)) : ")
            }
            switch prepared {
            case .place(let place): mounted.places[volume.name] = place
            case .driver(let source):
                do throws(Fault) {
                    mounted.places[volume.name] = try node.storage.mount(source, for: pod)
                } catch where error.isUnderWay {
                    underWay = error
                }
            case .network(let source):
                do throws(Fault) {
                    mounted.places[volume.name] = try node.storage.mount(source, for: pod)
                } catch where error.isUnderWay {
                    underWay = error
                }
            }
        }
        if let underWay { throw underWay }
        if !republished.isEmpty, nextCall == nil { nextCall = node.now() + StorageDrivers.republishing }
        return mounted
    }

    /// Makes the files true again, and calls drivers again; returns how long until that is due again, if ever.
    func refresh(_ pod: Pod) async throws(Fault) -> Duration? {
        guard !isGone, !files.isEmpty || !republished.isEmpty || !claimed.isEmpty else { return nil }
        var failure: Fault?
        do throws(Fault) { try callDrivers(pod) } catch { failure = error }
        for (volume, claim) in claimed {
            do throws(Fault) { try await grow(volume, claim, pod) } catch { failure = error }
        }
        for key in Set(files.flatMap(\.tokens)) {
            do throws(Fault) { try await renew(key, for: pod) } catch { failure = error }
        }
        guard !isGone else { return nil }
        for volume in files {
            do throws(Fault) { try write(volume, pod) } catch { failure = error }
        }
        if let failure { throw failure }
        return untilRenewal
    }

    /// How long until a token must be renewed, or a driver called; `nil` when there is none.
    var untilRenewal: Duration? {
        let now = node.now()
        // What goes on is told of when it has ended.
        let call = isCalling ? nil : nextCall
        return (tokens.values.map(\.renewal) + [call].compactMap(\.self)).min().map { max($0 - now, .zero) }
    }

    /// Whether something of a driver's may have to be done soon, now that it is mounted.
    var isGrowing: Bool {
        claimed.contains { entry in
            node.objects.get(entry.claim).map { ClaimGrowth.isLikely(PersistentVolumeClaim($0)) } ?? false
        }
    }

    /// Gives everything back. What fails, or takes long, can be tried again.
    func unmount() throws(Fault) {
        isGone = true
        node.objects.release(uid)
        try node.storage.unmount(podUID: uid)
        try PodFolder(path: node.layout.pod(uid)).remove()
    }

    // MARK: One volume

    /// What a volume comes to: a place that is ready, or work for a driver.
    private enum Prepared {
        case place(MountedVolumes.Place)
        case driver(CSIVolume)
        case network(NetworkFileSystem)
    }

    private func prepare(_ volume: Volume, of pod: Pod) async throws(Fault) -> Prepared {
        if let volume = FileVolume(volume) { return .place(try await prepare(volume, of: pod)) }
        if let source = volume.hostPath {
            try HostPathCheck.prepare(source)
            return .place(MountedVolumes.Place(path: source.path))
        }
        if let source = volume.csi {
            return .driver(try await noting(CSIVolume(source, named: volume.name, of: pod)))
        }
        if let source = volume.nfs {
            return .network(
                NetworkFileSystem(
                    name: volume.name, server: source.server, path: source.path, isReadOnly: source.readOnly))
        }
        if let claim = volume.persistentVolumeClaim {
            return try await prepareClaim(claim.claimName, of: pod, isEphemeral: false, claim.readOnly)
        }
        if volume.ephemeral != nil {
            let name = "\(pod.metadata.name)-\(volume.name)"
            return try await prepareClaim(name, of: pod, isEphemeral: true, false)
        }
        if volume.image != nil { return .place(MountedVolumes.Place(path: "", isReadOnly: true, isImage: true)) }
        let kind = volume.value.fields?.keys.first { $0 != "name" } ?? "emptyDir"
        guard kind == "emptyDir" else {
            throw Fault(.unsupported, "volumes of the kind \(kind) are not supported")
        }
        let empty = try EmptyDirectory(volume.emptyDir ?? EmptyDirVolumeSource(), of: pod)
        let path = node.layout.volume(volume.name, plugin: EmptyDirectory.plugin, podUID: uid)
        try empty.prepare(at: path, VolumeOwnership(pod, isReadOnly: false))
        return .place(MountedVolumes.Place(path: path, isRelabelled: true))
    }

    /// The same; that its driver wants to be called again and again is remembered.
    private func noting(_ volume: CSIVolume) async throws(Fault) -> CSIVolume {
        guard !republished.contains(where: { $0.name == volume.name }) else { return volume }
        let found: CSIDriver?
        let name = ObjectName(name: volume.driver)
        do throws(Status) { found = try await node.client.find(CSIDriver.self, name) } catch {
            throw Fault(error, "cannot read the CSIDriver \(volume.driver)")
        }
        if DriverPolicy(found, of: volume.driver).isRepublishRequired { republished.append(volume) }
        return volume
    }

    private func prepare(_ volume: FileVolume, of pod: Pod) async throws(Fault) -> MountedVolumes.Place {
        for reference in volume.references { try await node.objects.hold(key(reference, pod), for: uid) }
        for key in volume.tokens { try await renew(key, for: pod) }
        if volume.readsAllocatable, allocatable == nil { allocatable = try await readNode().allocatable }
        guard !isGone else { throw Fault(.conflict, "the pod is gone") }
        let ingredients = ingredients(of: volume, pod)
        let payload: Payload
        do throws(Fault) { payload = try self.payload(of: volume, pod) } catch {
            throw error.awaiting(ingredients.read)
        }
        try write(payload, to: volume, pod)
        written[volume.name] = ingredients
        files.append(volume)
        return MountedVolumes.Place(path: path(of: volume), isReadOnly: true, isRelabelled: true)
    }

    private func prepareClaim(
        _ name: String, of pod: Pod, isEphemeral: Bool, _ isReadOnly: Bool
    ) async throws(Fault) -> Prepared {
        let claimName = ObjectName(namespace: pod.metadata.namespace, name: name)
        let claim = try await read(PersistentVolumeClaim.self, claimName)
        let volumeName = try ClaimedVolume.volumeName(of: claim, for: pod, isEphemeral: isEphemeral)
        let volume = try await read(PersistentVolume.self, ObjectName(name: volumeName))
        let labels = volume.spec.nodeAffinity == nil ? Fields() : try await readNode().labels
        let source = try ClaimedVolume(
            claim, volume, isReadOnly: isReadOnly, nodeName: node.name, nodeLabels: labels)
        switch source {
        case .hostPath(let source):
            try HostPathCheck.prepare(source)
            return .place(MountedVolumes.Place(path: source.path, isReadOnly: isReadOnly))
        case .driver(let volume):
            await follow(volume, claimName)
            return .driver(try await noting(volume))
        case .network(let source): return .network(source)
        case .device(let path, let name):
            guard Files.exists(path), try Files.status(of: path).kind == .blockDevice else {
                throw Fault(.notFound, "local volume source \(path) is not a block device")
            }
            let link = node.layout.deviceLink(name, plugin: "kubernetes.io~local-volume", podUID: uid)
            try DeviceLink.make(at: link, to: path)
            return .place(MountedVolumes.Place(path: link, isReadOnly: isReadOnly, isDevice: true))
        case .local(let path):
            guard Files.exists(path), try Files.status(of: path).kind == .directory else {
                throw Fault(.notFound, "local volume source \(path) is not a directory")
            }
            let policy = pod.spec.securityContext?.fsGroupChangePolicy ?? "Always"
            try VolumeOwnership(pod, isReadOnly: isReadOnly)?
                .applyToTree(path, onlyOnMismatch: policy == "OnRootMismatch")
            return .place(MountedVolumes.Place(path: path, isReadOnly: isReadOnly, isRelabelled: !isReadOnly))
        }
    }

    // MARK: What goes on while a volume is mounted

    /// Calls drivers again where that is due, or asks how it went.
    private func callDrivers(_ pod: Pod) throws(Fault) {
        guard let due = nextCall, isCalling || due <= node.now() else { return }
        do throws(Fault) {
            try node.storage.republish(republished, for: pod)
        } catch where error.isUnderWay {
            isCalling = true
            return
        } catch {
            isCalling = false
            throw error
        }
        isCalling = false
        nextCall = node.now() + StorageDrivers.republishing
    }

    /// Watches the claim of a volume, which may ask for more. One that cannot be watched does not keep the pod waiting.
    private func follow(_ volume: CSIVolume, _ claim: ObjectName) async {
        guard !claimed.contains(where: { $0.volume.name == volume.name }) else { return }
        let key = ObservedObjects.Key(resource: .persistentVolumeClaims, name: claim)
        guard (try? await node.objects.hold(key, for: uid)) != nil else { return }
        claimed.append((volume, key))
    }

    /// Sees to it that the file system of a volume is as large as the volume has become.
    private func grow(_ volume: CSIVolume, _ key: ObservedObjects.Key, _ pod: Pod) async throws(Fault) {
        guard let claim = node.objects.get(key).map({ PersistentVolumeClaim($0) }), ClaimGrowth.isLikely(claim),
            isMounted(key, pod)
        else { return }
        let object = try await read(PersistentVolume.self, ObjectName(name: volume.name))
        let growth = ClaimGrowth(claim: claim, volume: object)
        guard growth.wanted != nil else { return }
        do throws(Fault) { try node.storage.grow(volume, for: pod, growth) } catch where error.isUnderWay {
            return
        }
    }

    /// What the pod has of drivers by now: its name for each, its claim, and the volume.
    func driverVolumes(of pod: Pod) -> [(name: String, claim: ObjectName, volume: CSIVolume)] {
        claimed.compactMap { entry in
            guard let name = pod.spec.volumes.first(where: { $0.claimName(in: pod) == entry.claim.name.name })?.name,
                mounted.places[name] != nil
            else { return nil }
            return (name, entry.claim.name, entry.volume)
        }
    }

    private func isMounted(_ claim: ObservedObjects.Key, _ pod: Pod) -> Bool {
        pod.spec.volumes.contains { volume in
            volume.claimName(in: pod) == claim.name.name && mounted.places[volume.name] != nil
        }
    }

    // MARK: Files

    /// Writes the files of a volume if what they are made from has changed.
    private func write(_ volume: FileVolume, _ pod: Pod) throws(Fault) {
        let ingredients = ingredients(of: volume, pod)
        guard ingredients != written[volume.name] else { return }
        let payload: Payload
        do throws(Fault) { payload = try self.payload(of: volume, pod) } catch {
            // A pod that runs keeps the files of an object that was deleted, until there is one again.
            guard error.code == .notFound else { throw error }
            return
        }
        try write(payload, to: volume, pod)
        written[volume.name] = ingredients
    }

    private func write(_ payload: Payload, to volume: FileVolume, _ pod: Pod) throws(Fault) {
        let path = path(of: volume)
        try VolumeFolder.make(path, volume.isInMemory ? .memory(nil) : .disk)
        try AtomicFolder(path: path, ownership: VolumeOwnership(pod, isReadOnly: true))
            .write(payload, at: node.now())
    }

    private func payload(of volume: FileVolume, _ pod: Pod) throws(Fault) -> Payload {
        var sources = PayloadSources(pod: pod)
        sources.tokens = tokens.mapValues(\.text)
        sources.allocatable = allocatable ?? [:]
        for reference in volume.references {
            guard let object = node.objects.get(key(reference, pod)) else { continue }
            sources.objects[reference] =
                reference.resource == .secrets ? Secret(object).data : ConfigMap(object).entries
        }
        return try sources.payload(of: volume)
    }

    private func ingredients(of volume: FileVolume, _ pod: Pod) -> Ingredients {
        var ingredients = Ingredients()
        if volume.tellsOfPod { ingredients.pod = pod.toldInFiles }
        for key in volume.tokens { ingredients.tokens[key] = tokens[key] }
        for reference in volume.references {
            let key = key(reference, pod)
            ingredients.read.revisions[key] = node.objects.get(key)?.revision ?? 0
        }
        return ingredients
    }

    /// Asks for a token when there is none or it nears its end. One that is still valid outlives a failure.
    private func renew(_ key: TokenRequestKey, for pod: Pod) async throws(Fault) {
        if let token = tokens[key], !token.isDue(at: node.now()) { return }
        tokens[key] = try await IssuedToken(key, for: pod, node.client)
    }

    private func path(of volume: FileVolume) -> String {
        node.layout.volume(volume.name, plugin: volume.plugin, podUID: uid)
    }

    private func key(_ reference: FileVolume.ObjectReference, _ pod: Pod) -> ObservedObjects.Key {
        ObservedObjects.Key(
            resource: reference.resource,
            name: ObjectName(namespace: pod.metadata.namespace, name: reference.name))
    }

    // MARK: Reading

    private func read<R: ResourceView>(_: R.Type, _ name: ObjectName) async throws(Fault) -> R {
        do throws(Status) { return try await node.client.get(R.self, name) } catch {
            throw Fault(error, "cannot read \(R.kind) \(name)")
        }
    }

    private func readNode() async throws(Fault) -> (labels: Fields, allocatable: [String: Quantity]) {
        let object = try await read(API.Node.self, ObjectName(name: node.name))
        let labels = object.value.at("metadata", "labels")?.fields ?? Fields()
        return (labels, object.status.allocatable.compactMapValues { try? Quantity($0) })
    }
}

extension Pod {
    /// What may change of a pod that downwardAPI volumes tell.
    var toldInFiles: Value {
        var told = Value.emptyObject
        told["labels"] = value.at("metadata", "labels")
        told["annotations"] = value.at("metadata", "annotations")
        told["containers"] = value.at("spec", "containers")
        told["initContainers"] = value.at("spec", "initContainers")
        return told
    }

    /// Volumes that a container mounts, or has as a device; others are not made.
    fileprivate var mountedVolumeNames: Set<String> {
        let containers =
            spec.initContainers + spec.containers + spec.ephemeralContainers.map { Container($0.value) }
        return Set(containers.flatMap { $0.volumeMounts.map(\.name) + $0.volumeDevices.map(\.name) })
    }
}

extension Volume {
    /// The claim that the volume is, its own for one that lives with its pod.
    fileprivate func claimName(in pod: Pod) -> String? {
        ephemeral == nil ? persistentVolumeClaim?.claimName : "\(pod.metadata.name)-\(name)"
    }
}

extension ConfigMap {
    /// Texts and binary data, by key.
    fileprivate var entries: [String: [UInt8]] {
        binaryData.merging(data.mapValues { Array($0.utf8) }) { _, text in text }
    }
}

extension Fault {
    func prefixed(_ prefix: String) -> Fault {
        var fault = self
        fault.summary = prefix + summary
        return fault
    }
}
