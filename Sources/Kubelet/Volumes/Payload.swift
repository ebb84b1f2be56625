import Host
import Support

/// The files of a volume that is made from objects of the API, by their paths relative to the volume.
struct Payload: Hashable, Sendable {
    struct File: Hashable, Sendable {
        var bytes: [UInt8]
        var mode: FileMode
        /// Who owns it, when that is not root.
        var user: UInt32?
    }

    var files: [String: File] = [:]

    /// What stands in the volume itself: first components of the paths.
    var topNames: Set<String> {
        Set(files.keys.compactMap { $0.split(separator: "/").first.map(String.init) })
    }

    /// Folders below the volume that the files need, outer ones first.
    var folders: [String] {
        var folders: Set<String> = []
        for path in files.keys {
            var parts = path.split(separator: "/").dropLast()
            while !parts.isEmpty {
                folders.insert(parts.joined(separator: "/"))
                parts = parts.dropLast()
            }
        }
        return folders.sorted()
    }

    /// Bytes of one volume's files. Items may name one large file any number of times.
    private static let mostBytes = 256 << 20
    /// Bytes of the paths of its files and of all folders above them.
    private static let mostPathBytes = 16 << 20

    /// Refuses paths that lead out of the volume, or that would be taken for the volume's own bookkeeping, and more
    /// than a node has room for.
    func check() throws(Fault) {
        var (bytes, pathBytes) = (0, 0)
        for (path, file) in files {
            let parts = path.split(separator: "/", omittingEmptySubsequences: false)
            let isFine =
                !path.hasPrefix("..") && !parts.contains { $0.isEmpty || $0 == "." || $0 == ".." }
                && path.utf8.count <= 4096
            guard isFine else { throw Fault(.invalid, "invalid path \(path) in a volume") }
            bytes += file.bytes.count
            pathBytes += parts.count * path.utf8.count
        }
        guard bytes <= Self.mostBytes, pathBytes <= Self.mostPathBytes else {
            throw Fault(.invalid, "the files of a volume, or the paths of its folders, are too large together")
        }
    }

    /// The files as they shall be on disk for pods with `fsGroup`.
    func owned(by ownership: VolumeOwnership?) -> Payload {
        guard let ownership else { return self }
        return Payload(
            files: files.mapValues {
                File(bytes: $0.bytes, mode: ownership.mode($0.mode, isFolder: false), user: $0.user)
            })
    }
}
