import API
import Client
import Host
import Logging
import Runtime
import Support
import Synchronization

/// The volumes of storage drivers on this node: from a driver's registration on, mounted for pods, kept, and taken
/// away.
///
/// Nobody waits here for a driver: what is under way says so (``Fault/isUnderWay``), and whoever asked is woken when
/// it has ended.
final class StorageDrivers: Sendable {
    /// How often a driver is called that wants to be called again and again.
    static let republishing = Duration.seconds(60)

    /// Those that are registered.
    let drivers = CSIDrivers()
    let mounter: CSIMounter
    private let layout: KubeletLayout
    private let node: StorageNodeKeeper
    private let plugins: PluginRegistry
    private let staged: StagedVolumes
    private let operations: VolumeOperations
    private let waiting: DriverWaiters
    private let came: @Sendable (_ name: String) -> Void
    /// What was begun to be mounted for pods, by their uids.
    private let begun = Mutex<[String: Set<VolumeData>]>([:])

    /// `wake` is called with the uid of a pod for which something has ended or come. It must return at once.
    init(
        layout: KubeletLayout, client: any Client, nodeName: String, log: Logger,
        events: EventRecorder? = nil, plugins others: [String: any PluginHandler] = [:], now: @escaping @Sendable () -> Timestamp,
        wake: @escaping @Sendable (_ podUID: String) -> Void
    ) {
        let (drivers, turns) = (drivers, Turns())
        let waiting = DriverWaiters(wake: wake)
        let inUse = VolumesInUse(client: client, nodeName: nodeName, turns: turns)
        let staged = StagedVolumes(layout: layout, drivers: drivers, turns: turns, inUse: inUse, log: log)
        let node = StorageNodeKeeper(client: client, nodeName: nodeName, drivers: drivers, log: log)
        let came: @Sendable (String) -> Void = { name in
            waiting.came(name)
            staged.driversChanged()
        }
        let registration = CSIRegistration(drivers: drivers, node: node, came: came) { CSIClient(socket: $0) }
        self.came = came
        self.layout = layout
        self.node = node
        self.staged = staged
        self.waiting = waiting
        plugins = PluginRegistry(
            folder: layout.pluginRegistry, handlers: others.merging(["CSIPlugin": registration]) { $1 }, log: log)
        operations = VolumeOperations(ended: wake)
        mounter = CSIMounter(
            layout: layout, client: client, nodeName: nodeName, drivers: drivers, turns: turns,
            tokens: DriverTokens(client: client, now: now), staged: staged, inUse: inUse,
            events: events)
    }

    /// Keeps all of it until cancelled. Run it once.
    func run() async {
        // Drivers make their own folders in it.
        try? Files.makeDirectory(Path.join(layout.root, "plugins"), mode: 0o750)
        await withDiscardingTaskGroup { group in
            group.addTask { await self.node.run() }
            group.addTask { await self.plugins.run() }
            group.addTask { await self.staged.run() }
            group.addTask { await self.operations.run() }
        }
    }

    /// The driver can be used from here on.
    func register(_ driver: CSIDrivers.Driver) {
        drivers.add(driver)
        came(driver.name)
    }

    /// Makes the volume appear for the pod, and returns where once it does.
    func mount(_ volume: CSIVolume, for pod: Pod) throws(Fault) -> MountedVolumes.Place {
        let uid = pod.metadata.uid
        let data = VolumeData(driver: volume.driver, handle: volume.handle)
        begun.withLock { _ = $0[uid, default: []].insert(data) }
        try perform("mounting \(volume.name)", uid, volume.driver) { () throws(Fault) in
            try await self.mounter.mount(volume, for: pod)
        }
        return mounter.place(volume, podUID: uid)
    }

    /// Calls the drivers of volumes that are mounted again.
    func republish(_ volumes: [CSIVolume], for pod: Pod) throws(Fault) {
        try perform("republishing", pod.metadata.uid, nil) { () throws(Fault) in
            for volume in volumes { try await self.mounter.republish(volume, for: pod) }
        }
    }

    /// Makes the file system of a mounted volume as large as the volume.
    func grow(_ volume: CSIVolume, for pod: Pod, _ growth: ClaimGrowth) throws(Fault) {
        try perform("growing \(volume.name)", pod.metadata.uid, volume.driver) { () throws(Fault) in
            try await self.mounter.grow(volume, for: pod, growth)
        }
    }

    /// Mounts a folder of another machine for the pod, and returns where once it is.
    func mount(_ source: NetworkFileSystem, for pod: Pod) throws(Fault) -> MountedVolumes.Place {
        let uid = pod.metadata.uid
        let path = layout.volume(source.name, plugin: NetworkFileSystem.plugin, podUID: uid)
        try perform("mounting \(source.name)", uid, nil) { () throws(Fault) in
            do throws(Fault) { try await source.mount(at: path) } catch {
                throw error.of("MountVolume.SetUp", source.name)
            }
        }
        return MountedVolumes.Place(path: path, isReadOnly: source.isReadOnly)
    }

    /// Takes everything away that a pod has from drivers, wherever mounting it had come to. Returns when nothing of it
    /// is left; the pod's folder is another's to remove.
    func unmount(podUID: String) throws(Fault) {
        let prefix = "unmounting "
        guard operations.cancel(podUID: podUID, except: { $0.what.hasPrefix(prefix) }) else {
            throw .underWay("mounting is broken off")
        }
        let root = layout.publishedVolumes(podUID: podUID)
        var rest: [(folder: String, data: VolumeData)] = []
        for folder in try folders(in: root) {
            if let data = VolumeData.read(folder) { rest.append((folder, data)) }
        }
        let shares = try folders(in: Path.join(layout.pod(podUID), "volumes/" + NetworkFileSystem.plugin))
            .filter { (try? Mounts.isMountPoint($0)) == true }
        guard !rest.isEmpty || !shares.isEmpty else {
            _ = operations.cancel(podUID: podUID)
            mounter.tokens.forget(podUID: podUID)
            waiting.forget(podUID)
            // It may have been staged and no more.
            for data in begun.withLock({ $0.removeValue(forKey: podUID) ?? [] }) { staged.look(at: data) }
            return
        }
        try releaseParts(podUID)
        var underWay: Fault?
        for (folder, data) in rest {
            do throws(Fault) {
                try perform(prefix + Path.name(of: folder), podUID, data.driver) { () throws(Fault) in
                    try await self.mounter.unmount(folder)
                }
            } catch where error.isUnderWay {
                underWay = error
            }
        }
        for folder in shares {
            do throws(Fault) {
                try perform(prefix + Path.name(of: folder), podUID, nil) { () throws(Fault) in
                    // The server may be away, which the kernel waits for.
                    try await BlockingWork.run { () throws(Fault) in
                        try Mounts.unmountAll(below: try Files.resolve(folder))
                    }
                }
            } catch where error.isUnderWay {
                underWay = error
            }
        }
        if let underWay { throw underWay }
    }

    private func folders(in folder: String) throws(Fault) -> [String] {
        guard Files.exists(folder) else { return [] }
        return try Files.list(folder).map { Path.join(folder, $0) }
    }

    /// Parts of volumes that containers had (`subPath`) keep the whole busy.
    private func releaseParts(_ podUID: String) throws(Fault) {
        let parts = Path.join(layout.pod(podUID), "volume-subpaths")
        guard Files.exists(parts) else { return }
        try Mounts.unmountAll(below: try Files.resolve(parts))
    }

    private func perform(
        _ what: String, _ uid: String, _ driver: String?, _ body: @escaping VolumeOperations.Body
    ) throws(Fault) {
        let (waiting, drivers) = (waiting, drivers)
        try operations.perform(VolumeOperations.Key(podUID: uid, what: what)) { () throws(Fault) in
            // Noted first, so that a driver that comes meanwhile is not missed.
            if let driver, drivers[driver] == nil { waiting.wait(uid, for: driver) }
            try await body()
        }
    }
}

/// The pods that wait for a driver to register.
final class DriverWaiters: Sendable {
    private let pods = Mutex<[String: Set<String>]>([:])
    private let wake: @Sendable (String) -> Void

    init(wake: @escaping @Sendable (String) -> Void) { self.wake = wake }

    func wait(_ podUID: String, for driver: String) {
        pods.withLock { _ = $0[driver, default: []].insert(podUID) }
    }

    func came(_ driver: String) {
        let waiting = pods.withLock { $0.removeValue(forKey: driver) ?? [] }
        for pod in waiting { wake(pod) }
    }

    func forget(_ podUID: String) {
        pods.withLock { pods in
            for driver in pods.keys {
                pods[driver]?.remove(podUID)
                if pods[driver]?.isEmpty == true { pods[driver] = nil }
            }
        }
    }
}
