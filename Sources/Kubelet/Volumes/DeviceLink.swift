import Host
import Support

/// The name that a block device has in the folder of a pod.
enum DeviceLink {
    /// Makes a link; one that leads elsewhere is replaced.
    static func make(at link: String, to device: String) throws(Fault) {
        if (try? Files.target(ofLink: link)) == device { return }
        try Files.makeDirectory(Path.parent(of: link), mode: 0o750)
        try? Files.remove(link)
        try Files.makeSymbolicLink(at: link, to: device)
    }
}
