import Host
public import Support

/// The folders of volumes of type `hostPath` that go with their volumes: those below `/tmp` of this host, as in Kubernetes,
/// where they are for clusters of one node and for trying things.
public enum TemporaryFolders {
    /// Removes a file or a folder with all that is in it. `path` is relative to `root`; no symbolic link in it leads out of
    /// there. Nothing there is no fault.
    public static func remove(_ path: String, beneath root: String = "/tmp") async throws(Fault) {
        try await BlockingWork.run { () throws(Fault) in
            guard Path.parent(of: "/" + path) != "/" else { return try Files.remove(Path.join(root, path)) }
            let folder: Descriptor
            do throws(Fault) {
                folder = try Files.reference(String(Path.parent(of: "/" + path).dropFirst()), beneath: root)
            } catch {
                guard error.code == .notFound else { throw error }
                return
            }
            try Files.remove(Path.join(folder.procPath, Path.name(of: path)))
        }
    }
}
