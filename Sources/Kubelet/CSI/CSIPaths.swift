import Host
import PKI
import Support

extension KubeletLayout {
    /// What is kept of storage drivers beside the pods.
    var storagePlugins: String { Path.join(root, "plugins/kubernetes.io/csi") }

    /// Where a volume is staged, and what is known of it beside.
    func staging(_ volume: CSIVolume) -> StagingPlace {
        if volume.isBlock {
            let devices = Path.join(storagePlugins, "volumeDevices")
            return StagingPlace(
                folder: "\(devices)/\(volume.name)/data", path: "\(devices)/staging/\(volume.name)")
        }
        let hash = Hex.encode(Digest.sha256(volume.handle.utf8))
        return StagingPlace(folder: "\(storagePlugins)/\(volume.driver)/\(hash)")
    }

    /// The place of which such a folder tells.
    func staging(toldOfIn folder: String) -> StagingPlace {
        let devices = Path.join(storagePlugins, "volumeDevices")
        guard Path.isInside(folder, devices) else { return StagingPlace(folder: folder) }
        let name = Path.name(of: Path.parent(of: folder))
        return StagingPlace(folder: folder, path: "\(devices)/staging/\(name)")
    }

    /// Where a driver makes a device appear for a pod.
    func publishedDevice(_ volume: String, podUID: String) -> String {
        Path.join(storagePlugins, "volumeDevices/publish/\(volume)/\(podUID)")
    }

    /// The name of a device in the folder of a pod; `plugin` as of a volume.
    func deviceLink(_ volume: String, plugin: String, podUID: String) -> String {
        Path.join(pod(podUID), "volumeDevices/\(plugin)/\(volume)")
    }

    /// Where the volumes of storage drivers are in a pod's folder; a folder each.
    func publishedVolumes(podUID: String) -> String { Path.join(pod(podUID), "volumes/kubernetes.io~csi") }
}

/// Where one volume is staged.
struct StagingPlace: Hashable, Sendable {
    /// It holds `vol_data.json`.
    let folder: String
    /// What the driver is told.
    let path: String
}

extension StagingPlace {
    /// Of a volume that is mounted as a folder.
    init(folder: String) { self.init(folder: folder, path: Path.join(folder, "globalmount")) }
}
