import CLinux
public import Support

extension Mounts {
    /// Where the directory that was there before is found, below one that was copied up.
    public static let original = ".host"

    /// What is mounted at a path and below it, for another place, or for the same when something else covers
    /// it.
    public struct Copy: Sendable {
        fileprivate let descriptor: Descriptor
    }

    // open_tree(2)
    public static func copy(of path: String) throws(Fault) -> Copy {
        try trying("cannot copy the mounts at \(path)") { () throws(Errno) in
            Copy(descriptor: Descriptor(owning: try system { linux_clone_mounts(path) }))
        }
    }

    // move_mount(2)
    /// Gives a copy its place. To be called once.
    public static func put(_ copy: Copy, at path: String) throws(Fault) {
        try trying("cannot mount at \(path) what was elsewhere") { () throws(Errno) in
            try system { linux_attach_mounts(copy.descriptor.number, path) }
        }
    }

    // mount --rbind DIRECTORY OTHER; mount -t tmpfs tmpfs DIRECTORY; mount --move OTHER DIRECTORY/.host; ln
    // -s .host/* DIRECTORY
    /// Puts memory over a directory in which every name leads to what it was before, so that names may be
    /// taken away and added there without touching it: for one who may not write to it. A directory that is a
    /// symbolic link, or is not there, stays so.
    ///
    /// Symbolic links are copied, since they lead on from where they stand. What appears in the directory
    /// later has no name here.
    public static func copyUp(_ directory: String) throws(Fault) {
        guard Files.exists(directory),
            try Files.status(of: directory, followingLinks: false).kind == .directory
        else {
            return
        }
        let before = try copy(of: directory)
        try mountMemory(at: directory)
        let below = Path.join(directory, original)
        try Files.makeDirectory(below)
        try put(before, at: below)
        for name in try Files.list(below) where name != original {
            let old = Path.join(below, name)
            // One that has gone meanwhile leads nowhere, as it would without us.
            let kind = try? Files.status(of: old, followingLinks: false).kind
            let target = kind == .symbolicLink ? try? Files.target(ofLink: old) : nil
            try Files.makeSymbolicLink(at: Path.join(directory, name), to: target ?? "\(original)/\(name)")
        }
    }
}
