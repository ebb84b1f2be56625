import Glibc
public import Support

extension Files {
    /// Writes a whole file so that readers, and a machine that loses power, see the old content or the new
    /// one and nothing between: a temporary file beside it, its data synced, renamed over it, and the
    /// directory synced.
    ///
    /// `mode` holds whatever the umask says; `owner` needs privilege. A symbolic link at `path` is replaced,
    /// not followed.
    public static func write(
        _ bytes: [UInt8], to path: String, mode: FileMode = 0o644, owner: FileOwner? = nil
    ) throws(Fault) {
        try trying("cannot write \(path)") { () throws(Errno) in
            let directory = try Descriptor.open(Path.parent(of: path), O_RDONLY | O_DIRECTORY)
            let temporary = ".\(Path.name(of: path)).\(UInt64.random(in: 0...UInt64.max))"
            do throws(Errno) {
                try writeNew(bytes, named: temporary, in: directory, mode: mode, owner: owner)
                try system {
                    renameat(directory.number, temporary, directory.number, Path.name(of: path))
                }
            } catch {
                unlinkat(directory.number, temporary, 0)
                throw error
            }
            try system { fsync(directory.number) }
        }
    }

    /// Writes a whole text file; see ``write(_:to:mode:owner:)-([UInt8],_,_,_)``.
    public static func write(
        _ text: String, to path: String, mode: FileMode = 0o644, owner: FileOwner? = nil
    ) throws(Fault) {
        try write(Array(text.utf8), to: path, mode: mode, owner: owner)
    }

    private static func writeNew(
        _ bytes: [UInt8], named name: String, in directory: Descriptor, mode: FileMode, owner: FileOwner?
    ) throws(Errno) {
        // Private until it is complete, so that a secret is never readable by others for a moment.
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
        let file = Descriptor(owning: try system { openat(directory.number, name, flags, 0o600) })
        if let owner { try system { fchown(file.number, owner.user, owner.group) } }
        try file.write(bytes)
        try system { fchmod(file.number, mode.bits) }
        try system { fsync(file.number) }
    }
}
