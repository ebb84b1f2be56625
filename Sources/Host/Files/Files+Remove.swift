import CLinux
import Glibc
public import Support

extension Files {
    // rm -rf --one-file-system PATH
    /// Removes what is at `path` and everything below it. Nothing there is no fault.
    ///
    /// Never follows a symbolic link, not even one that is put in place of a directory meanwhile, and never
    /// enters another mount, bind mounts included: a volume that is still mounted below makes the call fail
    /// (conflict) and keeps its data. Needs Linux 5.6.
    public static func remove(_ path: String) throws(Fault) {
        try trying("cannot remove \(path)") { () throws(Errno) in
            let parent: Descriptor
            do throws(Errno) {
                parent = try Descriptor.open(Path.parent(of: path), O_RDONLY | O_DIRECTORY)
            } catch Errno(ENOENT) {
                return
            }
            var status = stat()
            guard fstatat(parent.number, Path.name(of: path), &status, AT_SYMLINK_NOFOLLOW) == 0 else {
                guard errno == ENOENT else { throw .last }
                return
            }
            try removeEntry(Path.name(of: path), in: parent, depth: 0)
        }
    }

    /// More than any sane tree, far less than what exhausts descriptors or the stack.
    private static let deepest = 512

    private static func removeEntry(_ name: String, in parent: Descriptor, depth: Int) throws(Errno) {
        guard unlinkat(parent.number, name, 0) != 0, errno != ENOENT else { return }
        // Linux says EISDIR; POSIX allows EPERM.
        guard errno == EISDIR || errno == EPERM else { throw .last }
        guard depth < deepest else { throw Errno(ELOOP) }
        let directory: Descriptor
        do throws(Errno) {
            directory = Descriptor(owning: try system { linux_open_directory_beneath(parent.number, name) })
        } catch Errno(EXDEV) {
            throw Errno(EBUSY)
        }
        for entry in try Directory(directory).entries() {
            try removeEntry(entry.name, in: directory, depth: depth + 1)
        }
        try system { unlinkat(parent.number, name, AT_REMOVEDIR) }
    }
}
