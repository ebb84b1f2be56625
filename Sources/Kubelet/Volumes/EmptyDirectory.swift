import API
import APIMachinery
import Host
import Support

/// `emptyDir`: a folder that begins empty and ends with the pod, on the disk, in memory or in huge pages.
struct EmptyDirectory {
    static let plugin = "kubernetes.io~empty-dir"

    let medium: VolumeMedium
    let sizeLimit: ByteCount?

    /// Fails with `unsupported` for media that no node has, `invalid` for huge pages that the pod does not ask for.
    init(_ source: EmptyDirVolumeSource, of pod: Pod) throws(Fault) {
        let limit = source.sizeLimit.flatMap { try? Quantity($0) }
        sizeLimit = limit.flatMap { $0.sign > 0 ? ByteCount($0.value) : nil }
        switch source.medium {
        case "": medium = .disk
        // What is held in memory is bounded by what the pod may use of it, too.
        case "Memory": medium = .memory([sizeLimit, Self.memoryLimit(of: pod)].compactMap(\.self).min())
        case let name where name == "HugePages" || name.hasPrefix("HugePages-"):
            medium = .hugePages(try HugePageMedium.pageSize(name, of: pod))
        default: throw Fault(.unsupported, "emptyDir of the medium \(source.medium) is not supported")
        }
    }

    /// Makes the folder, open to every user of the pod. What is in one that is there stays.
    func prepare(at path: String, _ ownership: VolumeOwnership?) throws(Fault) {
        try VolumeFolder.make(path, medium)
        try ownership?.apply(to: path)
    }

    /// What the pod may use of the memory; `nil` when one of its containers has no limit.
    private static func memoryLimit(of pod: Pod) -> ByteCount? {
        if let limit = pod.spec.resources?.amount("memory", of: \.limits) { return ByteCount(limit) }
        let limits = pod.spec.containers.map { $0.resources.amount("memory", of: \.limits) ?? 0 }
        guard !limits.isEmpty, limits.allSatisfy({ $0 > 0 }) else { return nil }
        return ByteCount(limits.reduce(0) { $0.addingReportingOverflow($1).overflow ? .max : $0 + $1 })
    }
}

/// What the files of a volume lie in.
enum VolumeMedium: Hashable, Sendable {
    case disk
    /// As much as this; `nil` for as much as the kernel allows.
    case memory(ByteCount?)
    /// Of this size.
    case hugePages(ByteCount)
}

/// The folder of one volume below its pod's.
enum VolumeFolder {
    /// Makes the folder with access for all, and those above it for root only.
    static func make(_ path: String, _ medium: VolumeMedium) throws(Fault) {
        try Files.makeDirectory(Path.parent(of: path), mode: 0o750)
        try Files.makeDirectory(path, mode: 0o777)
        guard medium != .disk, try !Mounts.isMountPoint(path) else { return }
        switch medium {
        case .disk: return
        case .memory(let size): try Mounts.mountMemory(at: path, size: size, mode: 0o777)
        case .hugePages(let size): try Mounts.mountHugePages(at: path, pageSize: size, mode: 0o777)
        }
    }
}
