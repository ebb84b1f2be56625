import Glibc
public import Support

/// Whole files, directories and their attributes. Every call is synchronous and fails with a
/// ``Support/Fault`` that names the path; symbolic links are followed as the system does, except where a
/// function says otherwise.
public enum Files {
    /// The whole content, at most `limit` bytes; a larger file is a fault, not a surprise.
    /// Reads until the end, so that files of `/proc` and `/sys`, which claim to be empty, are read too.
    public static func read(_ path: String, limit: ByteCount = .mebibytes(64)) throws(Fault) -> [UInt8] {
        let bytes = try trying("cannot read \(path)") { () throws(Errno) in
            let file = try Descriptor.open(path, O_RDONLY)
            var bytes: [UInt8] = []
            while Int64(bytes.count) <= limit.bytes {
                let chunk = try file.read(upTo: bytes.isEmpty ? 16 << 10 : 256 << 10)
                if chunk.isEmpty { break }
                bytes += chunk
            }
            return bytes
        }
        guard Int64(bytes.count) <= limit.bytes else {
            throw Fault(.full, "cannot read \(path): it is larger than \(limit)")
        }
        return bytes
    }

    /// The first `count` bytes, fewer when the file is shorter, whatever its size.
    public static func readBeginning(_ path: String, _ count: Int) throws(Fault) -> [UInt8] {
        try trying("cannot read \(path)") { () throws(Errno) in
            try Descriptor.open(path, O_RDONLY).readFully(upTo: count)
        }
    }

    /// The last `count` bytes, fewer when the file is shorter, whatever its size.
    public static func readEnd(_ path: String, _ count: Int) throws(Fault) -> [UInt8] {
        try trying("cannot read \(path)") { () throws(Errno) in
            let file = try Descriptor.open(path, O_RDONLY)
            let size = try system { lseek(file.number, 0, SEEK_END) }
            _ = try system { lseek(file.number, max(0, size - count), SEEK_SET) }
            return try file.readFully(upTo: count)
        }
    }

    /// The whole content as text; bytes that are not UTF-8 are replaced.
    public static func readText(_ path: String, limit: ByteCount = .mebibytes(64)) throws(Fault) -> String {
        String(decoding: try read(path, limit: limit), as: UTF8.self)
    }

    /// Writes to a file that is there, in place and in one piece: the way of `/proc`, `/sys` and cgroups.
    public static func writeInPlace(_ text: String, to path: String) throws(Fault) {
        try trying("cannot write \"\(text.prefix(80))\" to \(path)") { () throws(Errno) in
            try Descriptor.open(path, O_WRONLY | O_TRUNC).write(Array(text.utf8))
        }
    }

    /// Adds to the end of a file, making it if needed.
    public static func append(_ bytes: [UInt8], to path: String, mode: FileMode = 0o644) throws(Fault) {
        try trying("cannot append to \(path)") { () throws(Errno) in
            try Descriptor.open(path, O_WRONLY | O_APPEND | O_CREAT, mode: mode.bits).write(bytes)
        }
    }

    /// Opens a file whose every write goes to its end, making it if needed: for what a child prints.
    public static func openForAppending(_ path: String, mode: FileMode = 0o644) throws(Fault) -> Descriptor {
        try trying("cannot open \(path)") { () throws(Errno) in
            try Descriptor.open(path, O_WRONLY | O_APPEND | O_CREAT, mode: mode.bits)
        }
    }

    /// What is at `path`; a symbolic link's own status unless `followingLinks`.
    public static func status(of path: String, followingLinks: Bool = true) throws(Fault) -> FileStatus {
        try trying("cannot look at \(path)") { () throws(Errno) in
            var status = stat()
            try system { followingLinks ? stat(path, &status) : lstat(path, &status) }
            return FileStatus(status)
        }
    }

    /// Whether anything answers to this path. A symbolic link that leads nowhere does not.
    public static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    // mkdir -p PATH
    /// Makes a directory and those above it that are missing, with exactly this mode whatever the umask.
    /// One that is there is left as it is.
    public static func makeDirectory(_ path: String, mode: FileMode = 0o755) throws(Fault) {
        try trying("cannot make the directory \(path)") { () throws(Errno) in
            try makeDirectories(path, mode: mode)
        }
    }

    private static func makeDirectories(_ path: String, mode: FileMode) throws(Errno) {
        guard mkdir(path, mode.bits) != 0 else {
            try system { chmod(path, mode.bits) }
            return
        }
        switch errno {
        case EEXIST:
            var status = stat()
            try system { stat(path, &status) }
            guard status.st_mode & S_IFMT == S_IFDIR else { throw Errno(ENOTDIR) }
        case ENOENT:
            let parent = Path.parent(of: path)
            guard parent != path, !parent.isEmpty else { throw Errno(ENOENT) }
            try makeDirectories(parent, mode: mode)
            // Once: where the system makes no directories (`/proc`), the parent is there and this still fails.
            guard mkdir(path, mode.bits) == 0 || errno == EEXIST else { throw .last }
            try system { chmod(path, mode.bits) }
        default:
            throw .last
        }
    }

    /// The names in a directory, sorted, without `.` and `..`.
    public static func list(_ path: String) throws(Fault) -> [String] {
        try trying("cannot list \(path)") { () throws(Errno) in
            try Directory(Descriptor.open(path, O_RDONLY | O_DIRECTORY)).entries().map(\.name).sorted()
        }
    }

    // ln -s TARGET PATH
    public static func makeSymbolicLink(at path: String, to target: String) throws(Fault) {
        try trying("cannot make the link \(path)") { () throws(Errno) in
            try system { symlink(target, path) }
        }
    }

    /// Where a symbolic link points, as it was written.
    public static func target(ofLink path: String) throws(Fault) -> String {
        try trying("cannot read the link \(path)") { () throws(Errno) in
            let capacity = Int(PATH_MAX)
            var buffer = [CChar](repeating: 0, count: capacity)
            let count = try system { readlink(path, &buffer, capacity) }
            return String(decoding: buffer[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
        }
    }

    /// The path with every symbolic link and `..` resolved.
    public static func resolve(_ path: String) throws(Fault) -> String {
        guard let resolved = realpath(path, nil) else { throw Fault(Errno.last, "cannot resolve \(path)") }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// Gives the file a new name on the same file system, replacing what had it, in one step.
    public static func rename(_ old: String, to new: String) throws(Fault) {
        try trying("cannot rename \(old) to \(new)") { () throws(Errno) in
            try system { Glibc.rename(old, new) }
        }
    }

    /// `chmod`.
    public static func setMode(_ mode: FileMode, of path: String) throws(Fault) {
        try trying("cannot set the mode of \(path) to \(mode)") { () throws(Errno) in
            try system { chmod(path, mode.bits) }
        }
    }

    /// `chown -h`: a symbolic link itself, never what it points to.
    public static func setOwner(_ owner: FileOwner, of path: String) throws(Fault) {
        try trying("cannot give \(path) to \(owner.user):\(owner.group)") { () throws(Errno) in
            try system { lchown(path, owner.user, owner.group) }
        }
    }

    /// How full the file system is that holds `path`.
    public static func space(at path: String) throws(Fault) -> FileSystemSpace {
        try trying("cannot ask for the free space at \(path)") { () throws(Errno) in
            var status = statvfs()
            try system { statvfs(path, &status) }
            func bytes(_ blocks: fsblkcnt_t) -> ByteCount {
                ByteCount(Int64(blocks) * Int64(status.f_frsize))
            }
            return FileSystemSpace(
                total: bytes(status.f_blocks), available: bytes(status.f_bavail), free: bytes(status.f_bfree),
                inodes: UInt64(status.f_files), freeInodes: UInt64(status.f_ffree))
        }
    }
}
