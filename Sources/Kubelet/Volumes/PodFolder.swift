import Host
import Support

/// The folder of one pod on the disk, and how it is given back.
struct PodFolder {
    let path: String

    /// Unmounts everything below the folder, makes sure that nothing is left, and only then removes it. A
    /// mount that cannot be taken away keeps the folder and what is behind it (conflict). Nothing there is no
    /// fault.
    func remove() throws(Fault) {
        guard Files.exists(path) else { return }
        // The kernel lists mounts by their true paths.
        let path = try Files.resolve(path)
        try Mounts.unmountAll(below: path)
        if let left = try Mounts.all().first(where: { Path.isInside($0.path, path) }) {
            throw Fault(.conflict, "\(left.path) is still mounted", remedy: "unmount it by hand")
        }
        // Enters no mount, so that even one that came this moment keeps its data.
        try Files.remove(path)
    }
}
