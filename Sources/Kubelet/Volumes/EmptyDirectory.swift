import API
import APIMachinery
import Host
import Support

/// `emptyDir`: a folder that begins empty and ends with the pod, on the disk or in memory.
struct EmptyDirectory {
    static let plugin = "kubernetes.io~empty-dir"

    let isInMemory: Bool
    let sizeLimit: ByteCount?
    /// Bounds what is held in memory, beside the limit of the volume itself.
    let memoryLimit: ByteCount?

    /// Fails with `unsupported` for media that this node has not (huge pages).
    init(_ source: EmptyDirVolumeSource, of pod: Pod) throws(Fault) {
        switch source.medium {
        case "": isInMemory = false
        case "Memory": isInMemory = true
        default: throw Fault(.unsupported, "emptyDir of the medium \(source.medium) is not supported")
        }
        let limit = source.sizeLimit.flatMap { try? Quantity($0) }
        sizeLimit = limit.flatMap { $0.sign > 0 ? ByteCount($0.value) : nil }
        memoryLimit = Self.memoryLimit(of: pod)
    }

    /// Makes the folder, open to every user of the pod. What is in one that is there stays.
    func prepare(at path: String, _ ownership: VolumeOwnership?) throws(Fault) {
        try VolumeFolder.make(path, memory: isInMemory ? .some(memorySize) : nil)
        try ownership?.apply(to: path)
    }

    private var memorySize: ByteCount? { [sizeLimit, memoryLimit].compactMap(\.self).min() }

    /// What the pod may use of the memory; `nil` when one of its containers has no limit.
    private static func memoryLimit(of pod: Pod) -> ByteCount? {
        if let limit = pod.spec.resources?.amount("memory", of: \.limits) { return ByteCount(limit) }
        let limits = pod.spec.containers.map { $0.resources.amount("memory", of: \.limits) ?? 0 }
        guard !limits.isEmpty, limits.allSatisfy({ $0 > 0 }) else { return nil }
        return ByteCount(limits.reduce(0) { $0.addingReportingOverflow($1).overflow ? .max : $0 + $1 })
    }
}

/// The folder of one volume below its pod's.
enum VolumeFolder {
    /// Makes the folder with access for all, and those above it for root only. `memory`: mounts memory there,
    /// of that size or, with `nil` inside, as much as the kernel allows.
    static func make(_ path: String, memory: ByteCount??) throws(Fault) {
        try Files.makeDirectory(Path.parent(of: path), mode: 0o750)
        try Files.makeDirectory(path, mode: 0o777)
        if let size = memory, try !Mounts.isMountPoint(path) {
            try Mounts.mountMemory(at: path, size: size, mode: 0o777)
        }
    }
}
