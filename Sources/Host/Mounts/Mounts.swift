import CLinux
import Glibc
public import Support

/// Mounting and unmounting, in the mount namespace of the calling thread.
public enum Mounts {
    /// Options of a mount, named as `mount -o` names them.
    public struct Flags: OptionSet, Hashable, Sendable {
        public let rawValue: UInt
        public init(rawValue: UInt) { self.rawValue = rawValue }
        init(_ flag: Int) { rawValue = UInt(flag) }

        public static let readOnly = Flags(MS_RDONLY)
        public static let noSetUserID = Flags(MS_NOSUID)
        public static let noDevices = Flags(MS_NODEV)
        public static let noExecution = Flags(MS_NOEXEC)
        public static let noAccessTimes = Flags(MS_NOATIME)
    }

    // mount -t TYPE -o FLAGS,DATA SOURCE PATH
    /// Mounts a file system; `data` is what its type understands (`size=64k,mode=0700`).
    public static func mount(
        type: String, source: String, at path: String, flags: Flags = [], data: String = ""
    ) throws(Fault) {
        try call(source, path, type, flags.rawValue, data)
    }

    // mount -t tmpfs -o size=SIZE,mode=MODE tmpfs PATH
    /// Mounts memory; without a size the kernel allows half of the machine's.
    public static func mountMemory(
        at path: String, size: ByteCount? = nil, mode: FileMode = 0o755,
        flags: Flags = [.noSetUserID, .noDevices]
    ) throws(Fault) {
        let size = size.map { "size=\($0.bytes)," } ?? ""
        try call("tmpfs", path, "tmpfs", flags.rawValue, "\(size)mode=\(mode)")
    }

    // mount -t hugetlbfs -o pagesize=SIZE,mode=MODE none PATH
    /// Mounts huge pages of this size; files in it take them from those that the machine set aside.
    public static func mountHugePages(
        at path: String, pageSize: ByteCount, mode: FileMode = 0o755, flags: Flags = [.noSetUserID, .noDevices]
    ) throws(Fault) {
        try call("none", path, "hugetlbfs", flags.rawValue, "pagesize=\(pageSize.bytes),mode=\(mode)")
    }

    // mount --bind SOURCE PATH, or --rbind
    /// Makes a directory or file appear at a second place; `recursive` takes what is mounted below it along.
    public static func bind(_ source: String, at path: String, recursive: Bool = false) throws(Fault) {
        try call(source, path, nil, UInt(MS_BIND) | (recursive ? UInt(MS_REC) : 0), nil)
    }

    // mount -o remount,bind,ro PATH
    /// Makes one mount read-only, not the file system that others may see elsewhere. Its other options stay:
    /// the kernel would take those that are not repeated as switched off, and refuse that for a locked mount.
    public static func makeReadOnly(_ path: String) throws(Fault) {
        var status = statvfs()
        try trying("cannot look at the mount \(path)") { () throws(Errno) in
            try system { statvfs(path, &status) }
        }
        // These have the same bits in both calls; relatime needs no repeating, it stays unless another is
        // named.
        let kept = UInt(status.f_flag) & UInt(MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME)
        try call("none", path, nil, kept | UInt(MS_REMOUNT | MS_BIND | MS_RDONLY), nil)
    }

    // mount --make-shared PATH, --make-rprivate PATH, ...
    /// Sets who hears of mounts below `path`, which must be a mount point.
    public static func setPropagation(
        _ propagation: MountPoint.Propagation, of path: String, recursive: Bool = false
    ) throws(Fault) {
        let flags: [UInt] =
            switch propagation {
            case .shared: [UInt(MS_SHARED)]
            case .private: [UInt(MS_PRIVATE)]
            case .slave: [UInt(MS_SLAVE)]
            case .unbindable: [UInt(MS_UNBINDABLE)]
            // A slave that is then shared is both.
            case .sharedSlave: [UInt(MS_SLAVE), UInt(MS_SHARED)]
            }
        for flag in flags { try call("none", path, nil, flag | (recursive ? UInt(MS_REC) : 0), nil) }
    }

    // umount PATH, or umount -l
    /// Takes the topmost mount at `path` away. Lazily: at once from the tree, in truth when its last user is
    /// gone.
    public static func unmount(_ path: String, lazy: Bool = false) throws(Fault) {
        try trying("cannot unmount \(path)") { () throws(Errno) in
            try system { umount2(path, Int32(UMOUNT_NOFOLLOW | (lazy ? MNT_DETACH : 0))) }
        }
    }

    // umount -R PATH
    /// Takes away everything that is mounted at `path` or below it, the last mounted first. Nothing there is
    /// no fault.
    public static func unmountAll(below path: String, lazy: Bool = false) throws(Fault) {
        for mount in try all().reversed() where Path.isInside(mount.path, path) {
            // What is hidden by another mount cannot be named, and comes to light when that is taken away.
            if try isMountPoint(mount.path) { try unmount(mount.path, lazy: lazy) }
        }
    }

    /// All mounts of the calling thread's namespace, in the order of mounting.
    public static func all() throws(Fault) -> [MountPoint] {
        MountPoint.all(in: try Files.readText("/proc/thread-self/mountinfo"))
    }

    /// Whether something is mounted exactly here, bind mounts included. What is not there is no mount point,
    /// and neither is what another mount hides.
    public static func isMountPoint(_ path: String) throws(Fault) -> Bool {
        do throws(Errno) {
            return try system { linux_is_mount_root(path) } == 1
        } catch Errno(ENOENT) {
            return false
        } catch {
            throw Fault(error, "cannot tell whether \(path) is a mount point")
        }
    }

    private static func call(
        _ source: String, _ path: String, _ type: String?, _ flags: UInt, _ data: String?
    ) throws(Fault) {
        try trying("cannot mount \(type ?? source) at \(path)") { () throws(Errno) in
            try system { Glibc.mount(source, path, type, flags, data) }
        }
    }
}
