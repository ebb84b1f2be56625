import API
public import APIMachinery
import Client
public import Support
import Synchronization

/// Binds claims to volumes, asks provisioners for those that are missing, notes what became free, and has it emptied or
/// removed when its policy is to.
public struct PersistentVolumeBinder: Controller {
    public let name = "persistentvolume-controller"
    private let recycling: VolumeRecycling

    /// Removes what is at a path below `/tmp` of the host.
    public typealias FolderRemoval = @Sendable (_ path: String) async throws(Fault) -> Void
    private let removeFolder: FolderRemoval?

    /// - Parameter removeFolder: How the folders of `hostPath` volumes go; `nil` where none do.
    public init(recycling: VolumeRecycling = VolumeRecycling(), removeFolder: FolderRemoval? = nil) {
        self.recycling = recycling
        self.removeFolder = removeFolder
    }

    public func run(_ context: ControllerContext) async throws(Status) {
        let claims = try await context.client.observe(PersistentVolumeClaim.self)
        let volumes = try await context.client.observe(PersistentVolume.self)
        let classes = try await context.client.observe(StorageClass.self)
        let pods = try await context.client.observe(Pod.self)
        let (index, users) = (SharedVolumeIndex(), ClaimUsers(pods))
        let recyclers = Recyclers(context, recycling, pods: pods)
        defer { recyclers.stop() }
        let work = BinderWork(
            context: context, claims: claims, volumes: volumes, classes: classes, users: users, index: index,
            recyclers: recyclers, removeFolder: removeFolder)
        typealias Source = ReconcileLoop<VolumeKey>.Source
        let sources = [
            Source(volumes) { index.takeVolume($0) }, Source(claims) { index.takeClaim($0) },
            // Who has left a released volume, and who is at work in one.
            Source(pods) { change in
                let left = users.take(change) + users.claims(endedBy: change)
                let volumes = index.volumes(keptFor: left) + [Recyclers.volume(of: change.name)].compactMap(\.self)
                return volumes.map { .volume($0) }
            },
            // A class that appears, or becomes the default one, may concern every claim without volume.
            Source(classes) { _ in index.openClaims.map { .claim($0) } },
        ]
        await ReconcileLoop<VolumeKey>(context).run(sources) { key throws(Status) in
            switch key {
            case .claim(let name):
                try await work.reconcileClaim(name)
                return nil
            case .volume(let name): return try await work.reconcileVolume(name)
            }
        }
    }
}

/// The index as all observations feed it and all workers read it.
private final class SharedVolumeIndex: Sendable {
    private let index = Mutex(VolumeIndex())

    var openClaims: Set<ObjectName> { index.withLock(\.openClaims) }

    func takeVolume(_ change: ObjectChange) -> [VolumeKey] {
        let volume = change.new.map { PersistentVolume($0) }
        return Array(index.withLock { $0.setVolume(change.name.name, volume) })
    }

    func takeClaim(_ change: ObjectChange) -> [VolumeKey] {
        let claim = change.new.map { PersistentVolumeClaim($0) }
        return Array(index.withLock { $0.setClaim(change.name, claim) })
    }

    func candidates(for claim: ObjectName, className: String) -> [String] {
        index.withLock { $0.candidates(for: claim, className: className) }
    }

    func volumes(keptFor claims: [ObjectName]) -> [String] {
        claims.isEmpty ? [] : index.withLock { $0.volumes(keptFor: claims) }.sorted()
    }
}

/// One pass over one claim or volume.
private struct BinderWork: Sendable {
    let context: ControllerContext
    let claims: any ObjectSet
    let volumes: any ObjectSet
    let classes: any ObjectSet
    let users: ClaimUsers
    let index: SharedVolumeIndex
    let recyclers: Recyclers
    let removeFolder: PersistentVolumeBinder.FolderRemoval?

    // MARK: Claims

    func reconcileClaim(_ name: ObjectName) async throws(Status) {
        guard let claim = claims.get(PersistentVolumeClaim.self, name) else { return }
        switch decision(claim).action {
        case .bind(let volume): try await bind(claim, volume)
        case .assignClass(let className):
            var changed = claim
            changed.spec.storageClassName = className
            try await context.client.update(changed)
        case .provision(let provisioner):
            var changed = claim
            changed.metadata.annotations[VolumeAnnotation.provisioner] = provisioner
            changed.metadata.annotations[VolumeAnnotation.olderProvisioner] = provisioner
            try await context.client.update(changed)
        case .wait(let note):
            if let note { context.record(note, about: claim) }
            try await setPhase("Pending", of: claim)
        case .lose(let note):
            guard claim.status.phase != "Lost" else { return }
            context.record(note, about: claim)
            try await setPhase("Lost", of: claim)
        }
    }

    private func decision(_ claim: PersistentVolumeClaim) -> ClaimDecision {
        var decision = ClaimDecision(claim: claim)
        if !claim.spec.volumeName.isEmpty {
            decision.named = volumes.get(PersistentVolume.self, ObjectName(name: claim.spec.volumeName))
            return decision
        }
        let names = index.candidates(for: claim.objectName, className: claim.className)
        decision.candidates = names.compactMap { volumes.get(PersistentVolume.self, ObjectName(name: $0)) }
        decision.storageClass = classes.get(StorageClass.self, ObjectName(name: claim.className))
        if claim.leavesClassOpen { decision.defaultClass = defaultClass }
        if decision.storageClass?.waitsForConsumer == true, claim.selectedNode == nil {
            decision.waitingPods = podsWaiting(for: claim.objectName)
        }
        return decision
    }

    /// Of several default classes the newest; of equal age the first by name.
    private var defaultClass: String? {
        let defaults = classes.list(namespace: nil).map { StorageClass($0) }.filter(\.isDefault)
        let chosen = defaults.min { a, b in
            let (age, other) = (a.metadata.creationTimestamp, b.metadata.creationTimestamp)
            if let age, let other, age != other { return age > other }
            return a.metadata.name < b.metadata.name
        }
        return chosen?.metadata.name
    }

    private func podsWaiting(for claim: ObjectName) -> [String] {
        users.pods(using: claim).filter(\.spec.nodeName.isEmpty).map(\.metadata.name)
    }

    private func bind(_ claim: PersistentVolumeClaim, _ volume: PersistentVolume) async throws(Status) {
        var (claim, volume) = (claim, volume)
        let reserved = VolumeBinding.reserve(volume, for: claim)
        if reserved != volume { volume = try await context.client.update(reserved) }
        let bound = VolumeBinding.setPhase(.bound, of: volume, at: context.now())
        if bound != volume { volume = try await context.client.updateStatus(bound) }
        let naming = VolumeBinding.name(volume, in: claim)
        if naming != claim { claim = try await context.client.update(naming) }
        let reported = VolumeBinding.report(volume, in: claim)
        if reported != claim { try await context.client.updateStatus(reported) }
    }

    private func setPhase(_ phase: String, of claim: PersistentVolumeClaim) async throws(Status) {
        var changed = claim
        changed.status.assign(\.phase, phase)
        changed.status.assign(\.accessModes, [])
        changed.status.assign(\.capacity, [:])
        if changed != claim { try await context.client.updateStatus(changed) }
    }

    // MARK: Volumes

    /// Returns after how long the volume is to be looked at again.
    func reconcileVolume(_ name: String) async throws(Status) -> Duration? {
        guard let volume = volumes.get(PersistentVolume.self, ObjectName(name: name)) else {
            try await recyclers.lose(name)
            return nil
        }
        let decision = VolumeDecision(
            volume: volume, claim: try await claim(of: volume), removesFolders: removeFolder != nil)
        if decision.action != .recycle { try await recyclers.lose(name) }
        switch decision.action {
        case .nothing: break
        case .recycle: return try await recycle(volume)
        case .delete(let folder): return try await delete(volume, folder)
        case .setPhase(let phase): try await setPhase(phase, of: volume)
        case .unbind:
            let free = try await context.client.update(VolumeBinding.unbind(volume))
            try await setPhase(.available, of: free)
        case .fail(let note):
            context.record(note, about: volume)
            try await setPhase(.failed, message: note.message, of: volume)
        case .warn(let note): context.record(note, about: volume)
        }
        return nil
    }

    /// Removes the volume's folder, and the volume. Returns when to try again, if it could not be.
    private func delete(_ volume: PersistentVolume, _ folder: String) async throws(Status) -> Duration? {
        do throws(Fault) {
            try await removeFolder?(folder)
        } catch {
            try await fail(
                volume, ControllerNote(kind: .warning, reason: "VolumeFailedDelete", message: error.description))
            return .seconds(60)
        }
        do throws(Status) {
            let options = DeletionOptions(preconditionUID: volume.metadata.uid)
            try await context.client.delete(PersistentVolume.self, volume.objectName, options)
        } catch {
            guard error.isNotFound || error.isConflict else { throw error }
        }
        return nil
    }

    /// Does the next thing for a volume that shall be emptied.
    private func recycle(_ volume: PersistentVolume) async throws(Status) -> Duration? {
        let name = volume.metadata.name
        switch recyclers.decision(for: volume, users: users(of: volume)).action {
        case .wait(let note, let moment):
            if let note { context.record(note, about: volume) }
            return moment.map { max($0 - context.now(), .zero) }
        case .begin(let pod):
            if let note = try await recyclers.begin(pod, for: volume) { try await fail(volume, note) }
        case .giveUp(let pod, let note):
            try await fail(volume, note)
            try await recyclers.put(away: pod, of: name)
            recyclers.failed(name)
            return .zero
        case .complete(let pod):
            // The pod first: if what follows fails, an empty volume is emptied once more, and no pod is left.
            try await recyclers.put(away: pod, of: name)
            context.record(.normal, "VolumeRecycled", "Volume recycled", about: volume)
            let free = try await context.client.update(VolumeBinding.unbind(volume))
            try await setPhase(.available, of: free)
        }
        return nil
    }

    /// Says so once, however often it is tried again.
    private func fail(_ volume: PersistentVolume, _ note: ControllerNote) async throws(Status) {
        guard volume.status.phase != VolumeDecision.Phase.failed.rawValue else { return }
        try await setPhase(.failed, message: note.message, of: volume)
        context.record(note, about: volume)
    }

    /// The pods that may have the volume mounted still. A claim of the name is another one, and so are its pods.
    private func users(of volume: PersistentVolume) -> [String] {
        guard let reference = volume.spec.claimRef else { return [] }
        let claim = ObjectName(namespace: reference.namespace, name: reference.name)
        guard claims.get(claim) == nil else { return [] }
        return users.pods(using: claim).filter { !$0.isFinished }.map { $0.objectName.description }
    }

    /// The claim that the volume is kept for. That it is gone costs data, so nobody's view but the API's own
    /// counts.
    private func claim(of volume: PersistentVolume) async throws(Status) -> PersistentVolumeClaim? {
        guard let reference = volume.spec.claimRef, !reference.uid.isEmpty else { return nil }
        let name = ObjectName(namespace: reference.namespace, name: reference.name)
        if let seen = claims.get(PersistentVolumeClaim.self, name), seen.metadata.uid == reference.uid {
            return seen
        }
        let present = try await context.client.find(PersistentVolumeClaim.self, name)
        return present?.metadata.uid == reference.uid ? present : nil
    }

    private func setPhase(
        _ phase: VolumeDecision.Phase, message: String = "", of volume: PersistentVolume
    ) async throws(Status) {
        let changed = VolumeBinding.setPhase(phase, message: message, of: volume, at: context.now())
        if changed != volume { try await context.client.updateStatus(changed) }
    }
}
