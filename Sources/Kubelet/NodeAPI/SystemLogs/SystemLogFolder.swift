import Host
import Support

/// The folder of the system's logs, as far as others may see it.
///
/// Kubernetes serves it by Go's `http.Dir`, which follows every symbolic link: whoever may write there, and be it a pod
/// that has the folder mounted, shows by a link any file of the node. Here links are followed within the folder, as those
/// in `/var/log/containers` need it, and none leads out.
struct SystemLogFolder: Sendable {
    let root: String

    /// A file or a folder that is held, whatever becomes of the names that led to it.
    struct Entry: Sendable {
        fileprivate let reference: Descriptor
        let status: FileStatus

        /// Opens a regular file.
        func open() throws(Fault) -> OpenFile {
            defer { withExtendedLifetime(reference) {} }
            return try OpenFile(reference.procPath)
        }

        /// The names in a folder, sorted; those of folders end in a slash.
        func names() throws(Fault) -> [String] {
            defer { withExtendedLifetime(reference) {} }
            let folder = reference.procPath
            var names: [String] = []
            for name in try Files.list(folder) {
                let status = try? Files.status(of: Path.join(folder, name), followingLinks: false)
                names.append(status?.kind == .directory ? name + "/" : name)
            }
            return names
        }
    }

    /// What a path leads to that is absolute as if the folder were all there is; `..` does not lead out of it. Fails with
    /// `notFound`, and with `denied` also for what a link outside points to.
    func entry(_ path: String) throws(Fault) -> Entry {
        guard !path.utf8.contains(0) else { throw Fault(.invalid, "a path cannot hold the character NUL") }
        let base = try Files.resolve(root)
        let found = try Files.resolve(Path.join(base, Path.cleaned(path)))
        guard Path.isInside(found, base) else { throw Fault(.denied, "\(path) leads out of \(root)") }
        // Without links by now: should somebody put one in its place, the kernel lets it lead nowhere outside.
        let inner = found.dropFirst(base.count).drop { $0 == "/" }
        let reference = try Files.reference(inner.isEmpty ? "." : String(inner), beneath: base)
        let status = try Files.status(of: reference.procPath)
        return Entry(reference: reference, status: status)
    }
}
