import Host
import Support

/// A part of a volume that a container mounts in place of the whole.
///
/// Containers of the pod may change the volume's tree meanwhile: the kernel resolves the path without leaving
/// the volume, and what it found is bound at a place of the kubelet's own, which is what the runtime is
/// given.
struct SubPath {
    /// Relative to the volume.
    let path: String
    let volume: String
    /// Where the part is bound: below the pod's `volume-subpaths`.
    let target: String

    /// Makes the part, a folder, if it is missing, and binds it. One that is bound already stays, unless the
    /// name leads to another file by now, as after a ConfigMap has changed.
    func bind() throws(Fault) {
        guard !path.hasPrefix("/") else {
            throw Fault(.invalid, "error SubPath `\(path)` must not be an absolute path")
        }
        guard !path.split(separator: "/").contains("..") else {
            throw Fault(.invalid, "unable to provision SubPath `\(path)`: must not contain '..'")
        }
        let part = try reference()
        let status = try Files.status(of: part.procPath)
        if try Mounts.isMountPoint(target) {
            let bound = try Files.status(of: target)
            if bound.device == status.device, bound.inode == status.inode { return }
            try Mounts.unmountAll(below: try Files.resolve(target))
        }
        try makeTarget(isFolder: status.kind == .directory)
        try Mounts.bind(part.procPath, at: target)
    }

    private func reference() throws(Fault) -> Descriptor {
        do throws(Fault) {
            return try Files.reference(path, beneath: volume)
        } catch {
            guard error.code == .notFound else { throw error }
        }
        // With the mode of the volume, so that whoever may write there may write here.
        let mode = try Files.status(of: volume).mode
        try Files.makeDirectory(path, beneath: volume, mode: mode)
        return try Files.reference(path, beneath: volume)
    }

    private func makeTarget(isFolder: Bool) throws(Fault) {
        try Files.makeDirectory(Path.parent(of: target), mode: 0o750)
        if Files.exists(target), try (Files.status(of: target).kind == .directory) != isFolder {
            try Files.remove(target)
        }
        if isFolder {
            try Files.makeDirectory(target, mode: 0o750)
        } else if !Files.exists(target) {
            try Files.append([], to: target, mode: 0o640)
        }
    }
}
