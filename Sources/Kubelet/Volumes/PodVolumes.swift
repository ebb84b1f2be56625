public import API
import APIMachinery
public import Client
import Host
public import Logging
public import Runtime
public import Support
import Synchronization

/// The volumes of the pods of this node: made before a pod's containers start, kept true while it runs, given
/// back when it is gone.
///
/// What is on the disk is the only memory: after a restart, also in the middle of anything, the same calls
/// find what is there and complete it.
public final class PodVolumes: Sendable {
    private struct Entry {
        var set: PodVolumeSet
        /// As it was last seen; `nil` for one that is only to be removed.
        var pod: Pod?
    }

    private let layout: KubeletLayout
    private let node: PodVolumeSet.Node
    let storage: StorageDrivers
    private let log: Logger
    private let entries = Mutex<[String: Entry]>([:])
    /// Pods whose files must be looked at, by uid.
    private let queue: WorkQueue<String>

    /// `wake` is called with the uid of a pod whose volumes may have come on: what was under way has ended, or what
    /// was missing is there. It must return at once.
    public convenience init(
        layout: KubeletLayout, client: any Client, nodeName: String, events: EventRecorder? = nil, log: Logger,
        wake: @escaping @Sendable (_ podUID: String) -> Void
    ) {
        self.init(layout: layout, client: client, nodeName: nodeName, events: events, log: log, wake: wake) { .now }
    }

    /// `now` says when tokens are to be renewed; `plugins` who else than storage has use for plug-ins, by their types.
    init(
        layout: KubeletLayout, client: any Client, nodeName: String, events: EventRecorder? = nil,
        plugins: [String: any PluginHandler] = [:], log: Logger,
        wake: @escaping @Sendable (_ podUID: String) -> Void = { _ in }, now: @escaping @Sendable () -> Timestamp
    ) {
        let queue = WorkQueue<String>(backOff: .init(first: .seconds(1), most: .seconds(60)))
        self.layout = layout
        self.log = log
        self.queue = queue
        storage = StorageDrivers(
            layout: layout, client: client, nodeName: nodeName, log: log, events: events, plugins: plugins, now: now
        ) { uid in
            // What was done for a volume that is mounted is asked after here.
            queue.add(uid)
            wake(uid)
        }
        node = PodVolumeSet.Node(
            layout: layout, client: client, name: nodeName,
            objects: ObservedObjects(client: client) { queue.add($0) }, storage: storage, now: now)
    }

    /// Makes every volume of the pod ready that a container mounts; idempotent, also after a restart.
    ///
    /// The fault names the volume and what it waits for, in the words of the event `FailedMount`; `notFound`
    /// and `unavailable` may pass, so try again. What was made until then stays until ``unmount(podUID:)``. A fault
    /// that only says that something is under way (``Fault/isUnderWay``) is none: the pod is woken when it has ended.
    public func mount(_ pod: Pod) async throws(Fault) -> MountedVolumes {
        let uid = pod.metadata.uid
        guard !uid.isEmpty else { throw Fault(.invalid, "a pod without a uid has no place for volumes") }
        let set = entry(uid, pod)
        let volumes = try await set.mount(pod)
        if let delay = await set.untilRenewal { queue.add(uid, after: delay) }
        if await set.isGrowing { queue.add(uid) }
        return volumes
    }

    /// The mounts of one container in the runtime's form, with `subPath` bound and `subPathExpr` expanded by
    /// the container's `environment`.
    ///
    /// Fails with `invalid` for a path that leads out of its volume.
    public func mounts(
        of container: Container, in pod: Pod, _ volumes: MountedVolumes, environment: [String: String],
        _ offer: MountOffer = MountOffer()
    ) throws(Fault) -> [CRI.Mount] {
        try ContainerMounts(
            layout: layout, volumes: volumes, container: container, environment: environment, offer: offer
        ).make()
    }

    /// The block devices of one container in the runtime's form.
    public func devices(of container: Container, _ volumes: MountedVolumes) throws(Fault) -> [CRI.Device] {
        try ContainerMounts(layout: layout, volumes: volumes, container: container, environment: [:]).devices()
    }

    /// Gives everything back and removes the pod's folder, for a pod whose containers have ended. Safe to
    /// call again.
    ///
    /// Never deletes what is behind a hostPath, a claim or a subPath: all mounts below the folder are taken
    /// away first, and while one cannot be (conflict) nothing is removed. Drivers take their time: as above.
    public func unmount(podUID: String) async throws(Fault) {
        guard !podUID.isEmpty, !podUID.contains("/"), podUID != "..", podUID != "." else {
            throw Fault(.invalid, "\(podUID) is no uid of a pod")
        }
        try await entry(podUID, nil).unmount()
        entries.withLock { $0[podUID] = nil }
    }

    /// Keeps configMap, secret, downwardAPI and projected volumes of mounted pods true, and renews tokens
    /// before they expire, until cancelled. Costs nothing while nothing changes. Run it once.
    public func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.storage.run() }
            group.addTask { await self.refresh() }
        }
    }

    private func refresh() async {
        await queue.run(workers: 2) { [log] uid, fault in
            log.warning("cannot refresh the volumes of pod \(uid): \(fault)")
        } _: { uid throws(Fault) in
            guard let entry = self.entries.withLock({ $0[uid] }), let pod = entry.pod else { return nil }
            return try await entry.set.refresh(pod)
        }
    }

    /// The pod's object changed: its labels and annotations appear in downwardAPI volumes.
    public func update(_ pod: Pod) {
        let uid = pod.metadata.uid
        let isChanged = entries.withLock { entries in
            guard let old = entries[uid]?.pod else { return false }
            entries[uid]?.pod = pod
            return old.toldInFiles != pod.toldInFiles
        }
        if isChanged { queue.add(uid) }
    }

    /// Somebody set the time of day: tokens may be due.
    func clockWasSet() { for uid in mountedPods { queue.add(uid) } }

    /// Uids of pods that have a folder on the disk, for cleaning up after a restart.
    public func podsOnDisk() throws(Fault) -> [String] {
        Files.exists(layout.pods) ? try Files.list(layout.pods) : []
    }

    /// Pods whose volumes are kept.
    var mountedPods: [String] { entries.withLock { $0.filter { $0.value.pod != nil }.keys.sorted() } }

    func mounted(_ uid: String) -> (PodVolumeSet, Pod)? {
        entries.withLock { entries in entries[uid].flatMap { entry in entry.pod.map { (entry.set, $0) } } }
    }

    /// The volumes of one pod.
    func set(of pod: Pod) -> PodVolumeSet { entry(pod.metadata.uid, pod) }

    private func entry(_ uid: String, _ pod: Pod?) -> PodVolumeSet {
        entries.withLock { entries in
            let set = entries[uid]?.set ?? PodVolumeSet(uid, on: node)
            entries[uid] = Entry(set: set, pod: pod ?? entries[uid]?.pod)
            return set
        }
    }
}
