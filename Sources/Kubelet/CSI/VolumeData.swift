import APIMachinery
import Host
import Support

/// What is remembered on the disk of a volume of a storage driver: `vol_data.json`, in the form of Kubernetes.
///
/// A folder that has it may have a volume: the driver must be asked to take it away before the folder goes.
struct VolumeData: Hashable, Sendable {
    static let file = "vol_data.json"

    var driver: String
    var handle: String
    /// What only a pod's own folder says.
    var others: [String: String] = [:]

    init(driver: String, handle: String) { (self.driver, self.handle) = (driver, handle) }

    /// What a pod's folder says.
    init(_ volume: CSIVolume, nodeName: String) {
        self.init(driver: volume.driver, handle: volume.handle)
        others = [
            "specVolID": volume.name, "nodeName": nodeName, "volumeLifecycleMode": volume.lifecycleMode,
            "attachmentID": volume.attachmentName(on: nodeName),
        ]
        if volume.isBlock { others["volumeMode"] = "Block" }
    }

    /// `nil` when there is none, or none that can be read: an interrupted write leaves none, as it is replaced whole.
    static func read(_ folder: String) -> VolumeData? {
        guard let bytes = try? Files.read(Path.join(folder, file)), let value = try? Value(json: bytes),
            let driver = value["driverName"]?.string, let handle = value["volumeHandle"]?.string
        else { return nil }
        var data = VolumeData(driver: driver, handle: handle)
        for (key, field) in value.fields ?? Fields() where key != "driverName" && key != "volumeHandle" {
            data.others[key] = field.string
        }
        return data
    }

    func write(to folder: String) throws(Fault) {
        guard Self.read(folder) != self else { return }
        try Files.makeDirectory(folder, mode: 0o750)
        var value: Value = ["driverName": .string(driver), "volumeHandle": .string(handle)]
        for (key, text) in others { value[key] = .string(text) }
        try Files.write(value.json, to: Path.join(folder, Self.file), mode: 0o644)
    }

    /// A device: the driver has it elsewhere.
    var isBlock: Bool { others["volumeMode"] == "Block" }

    var uniqueName: String { CSIVolume.uniqueName(driver, handle) }
}
