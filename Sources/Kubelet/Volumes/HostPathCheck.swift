import API
import Host
import Support

/// Sees to it that a `hostPath` is of the type that the pod asked for.
enum HostPathCheck {
    /// Makes what `DirectoryOrCreate` and `FileOrCreate` ask for; fails with `notFound` when the type is
    /// another. Without a type the path is not looked at.
    static func prepare(_ source: HostPathVolumeSource) throws(Fault) {
        let path = source.path
        switch source.type ?? "" {
        case "": return
        case "DirectoryOrCreate":
            if !Files.exists(path) { try Files.makeDirectory(path, mode: 0o755) }
            try require(path, .directory, "a directory")
        case "FileOrCreate":
            if !Files.exists(path) {
                try Files.append([], to: path)
                try Files.setMode(0o644, of: path)
            }
            try require(path, .regular, "a file")
        case "Directory": try require(path, .directory, "a directory")
        case "File": try require(path, .regular, "a file")
        case "Socket": try require(path, .socket, "a socket file")
        case "CharDevice": try require(path, .characterDevice, "a character device")
        case "BlockDevice": try require(path, .blockDevice, "a block device")
        case let type: throw Fault(.invalid, "hostPath type \(type) is not known")
        }
    }

    private static func require(_ path: String, _ kind: FileStatus.Kind, _ name: String) throws(Fault) {
        guard Files.exists(path), try Files.status(of: path).kind == kind else {
            throw Fault(.notFound, "hostPath type check failed: \(path) is not \(name)")
        }
    }
}
