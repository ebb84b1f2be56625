import CSQLite
import Glibc
import Support
import Synchronization

/// The database's file before SQLite sees it: whether it is there, ours, whole, writable and free.
///
/// Looking costs one read of the header. A file that is not ours is not changed in any way.
struct DatabaseFile {
    let path: String
    /// Nothing is in it yet.
    let isNew: Bool
    /// The last process to use it did not close it.
    let wasUnclean: Bool
    let size: Int64
    let identity: Identity

    struct Identity: Hashable {
        var device: UInt64
        var node: UInt64
    }

    static let kineSentence = "it holds the state of a k3s that ran here before (the table kine)"

    /// Looks at the file, and makes an empty one, mode 0600, when there is none.
    ///
    /// The file counts as in use from now on, until ``release()``.
    static func prepare(_ path: String) throws(Fault) -> DatabaseFile {
        var status = stat()
        // Opening and closing a file drops the locks this process holds on it, so ask before touching it.
        if stat(path, &status) == 0, inUse.withLock({ $0.contains(Identity(status)) }) { throw inUse(path) }
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw unopened(path, errno) }
        defer { Glibc.close(descriptor) }
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw Fault(.invalid, "the database \(path) is not a file")
        }
        let directory = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
        guard access(directory, W_OK | X_OK) == 0 else { throw unopened(path, errno) }
        let (size, logSize) = (Int64(status.st_size), fileSize(path + "-wal"))
        var isEmpty = size == 0
        if !isEmpty, try !Header(descriptor, path, size, hasLog: logSize > 0).isOurs {
            try checkUnowned(path, hasLog: logSize > 0)
            isEmpty = true
        }
        guard status.st_mode & 0o777 == 0o600 || fchmod(descriptor, 0o600) == 0 else {
            throw unopened(path, errno)
        }
        let identity = Identity(status)
        guard inUse.withLock({ $0.insert(identity).inserted }) else { throw inUse(path) }
        return DatabaseFile(
            path: path, isNew: isEmpty, wasUnclean: logSize > 0, size: size, identity: identity)
    }

    func release() { Self.inUse.withLock { _ = $0.remove(identity) } }

    /// The databases that this process has open. Locks of files are the process's, and do not keep it from
    /// itself.
    private static let inUse = Mutex<Set<Identity>>([])

    static func inUse(_ path: String) -> Fault {
        Fault(
            .unavailable, "the database \(path) is in use by another process",
            remedy: "stop the other server, or choose another data directory")
    }

    private static func unopened(_ path: String, _ code: Int32) -> Fault {
        let reason = String(cString: strerror(code))
        return switch code {
        case EACCES, EPERM, EROFS:
            Fault(
                .denied, "the database \(path) cannot be written: \(reason)",
                remedy: "check the owner and mode of the file and of its directory")
        case ENOENT, ENOTDIR:
            Fault(.notFound, "the directory of the database \(path) does not exist")
        case ENOSPC, EDQUOT:
            Fault(.full, "no space is left for the database \(path)", remedy: "make room on its file system")
        default:
            Fault(.failed, "the database \(path) cannot be opened: \(reason)")
        }
    }

    private static func fileSize(_ path: String) -> Int64 {
        var status = stat()
        return stat(path, &status) == 0 ? Int64(status.st_size) : 0
    }
}

extension DatabaseFile.Identity {
    fileprivate init(_ status: stat) {
        self.init(device: UInt64(status.st_dev), node: UInt64(status.st_ino))
    }
}
