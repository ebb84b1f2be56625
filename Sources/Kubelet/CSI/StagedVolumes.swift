import Client
import Host
import Logging
import Runtime
import Support
import Synchronization

/// The volumes that are staged on this node, and their end: when the last pod has left one, the driver takes it away.
///
/// Who uses a volume is read from the pods' folders, so that it is known after a restart, too.
final class StagedVolumes: Sendable {
    private let layout: KubeletLayout
    private let drivers: CSIDrivers
    private let turns: Turns
    private let inUse: VolumesInUse
    private let log: Logger
    /// What this process has staged.
    private let places = Mutex<Set<StagingPlace>>([])
    /// Volumes that may have been left.
    private let queue: WorkQueue<VolumeData>
    /// Those whose driver is not here.
    private let waiting = Mutex<Set<VolumeData>>([])

    init(
        layout: KubeletLayout, drivers: CSIDrivers, turns: Turns, inUse: VolumesInUse, log: Logger,
        firstPause: Duration = .seconds(1)
    ) {
        self.layout = layout
        self.drivers = drivers
        self.turns = turns
        self.inUse = inUse
        self.log = log
        queue = WorkQueue(backOff: .init(first: firstPause, most: .seconds(60)))
    }

    func contains(_ place: StagingPlace) -> Bool { places.withLock { $0.contains(place) } }
    func insert(_ place: StagingPlace) { places.withLock { _ = $0.insert(place) } }

    /// A pod has left the volume.
    func look(at data: VolumeData) { queue.add(VolumeData(driver: data.driver, handle: data.handle)) }

    /// A driver came.
    func driversChanged() {
        let waiting = waiting.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
        for data in waiting { queue.add(data) }
    }

    /// Takes away what is left, until cancelled. Run it once.
    func run() async {
        await recover()
        await queue.run(workers: 4) { [log] (data: VolumeData, fault: Fault) in
            if !Task.isCancelled { log.warning("volume \(data.uniqueName): \(fault.summary)") }
        } _: { data throws(Fault) in
            try await self.unstage(data)
            return nil
        }
    }

    /// What was left while nobody looked.
    private func recover() async {
        let staged = folders.compactMap(VolumeData.read)
        for data in staged { look(at: data) }
        do throws(Fault) {
            try await inUse.keep(Set((staged + users).map(\.uniqueName)))
        } catch {
            log.warning("\(error.summary)")
        }
    }

    // MARK: One volume

    private func unstage(_ data: VolumeData) async throws(Fault) {
        try await turns.run(data.uniqueName) { () throws(Fault) in
            guard !users.contains(where: { $0.uniqueName == data.uniqueName }) else { return }
            for folder in folders where VolumeData.read(folder)?.uniqueName == data.uniqueName {
                guard let service = drivers[data.driver]?.service else {
                    waiting.withLock { _ = $0.insert(data) }
                    // It may have come this moment.
                    if drivers[data.driver] != nil { driversChanged() }
                    return
                }
                try await unstage(data, layout.staging(toldOfIn: folder), service)
            }
            try await inUse.remove(data.uniqueName)
        }
    }

    private func unstage(
        _ data: VolumeData, _ place: StagingPlace, _ service: any CSINodeService
    ) async throws(Fault) {
        do throws(Fault) {
            if try await service.capabilities().contains(.stageUnstageVolume), Files.exists(place.path) {
                try await service.unstage(data.handle, stagingPath: place.path)
            }
            try DriverPlace.remove(place.path)
        } catch {
            throw error.of("UnmountVolume.UnmountDevice", data.handle)
        }
        places.withLock { _ = $0.remove(place) }
        // A device's folder is in one that bears its name.
        let isDevice = Path.name(of: place.folder) == "data"
        try Files.remove(isDevice ? Path.parent(of: place.folder) : place.folder)
    }

    // MARK: What is on the disk

    /// What the pods of the node have.
    private var users: [VolumeData] {
        list(layout.pods).flatMap { uid in
            let folder = layout.publishedVolumes(podUID: uid)
            return list(folder).compactMap { VolumeData.read(Path.join(folder, $0)) }
        }
    }

    /// Every folder that tells of a staged volume.
    private var folders: [String] {
        list(layout.storagePlugins).flatMap { driver -> [String] in
            let folder = Path.join(layout.storagePlugins, driver)
            return list(folder).map { name in
                let inner = Path.join(folder, name)
                return driver == "volumeDevices" ? Path.join(inner, "data") : inner
            }
        }
    }

    private func list(_ folder: String) -> [String] { (try? Files.list(folder)) ?? [] }
}
