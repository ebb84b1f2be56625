import Glibc
public import Support

/// Permission bits of a file, such as `0o600`; with the set-id and sticky bits.
public struct FileMode: Hashable, Sendable, ExpressibleByIntegerLiteral, CustomStringConvertible {
    public let bits: UInt32

    public init(_ bits: UInt32) { self.bits = bits & 0o7777 }
    public init(integerLiteral bits: UInt32) { self.init(bits) }

    /// Four octal digits, as `chmod` takes them.
    public var description: String {
        let digits = String(bits, radix: 8)
        return String(repeating: "0", count: 4 - digits.count) + digits
    }
}

/// The user and group that a file belongs to.
public struct FileOwner: Hashable, Sendable {
    public var user: UInt32
    public var group: UInt32

    public init(user: UInt32, group: UInt32) {
        self.user = user
        self.group = group
    }
}

/// What the system knows about one file.
public struct FileStatus: Hashable, Sendable {
    public enum Kind: Hashable, Sendable {
        case regular, directory, symbolicLink, socket, fifo, blockDevice, characterDevice
    }

    public var kind: Kind
    public var mode: FileMode
    public var owner: FileOwner
    public var size: ByteCount
    /// Space that it takes on the disk; less than ``size`` for a file with holes.
    public var allocated: ByteCount
    public var modified: Timestamp
    /// The file system it is on, and its number there: together they identify a file.
    public var device: UInt64
    public var inode: UInt64
    /// How many names lead to it.
    public var linkCount: UInt64

    init(_ status: stat) {
        kind =
            switch status.st_mode & S_IFMT {
            case S_IFDIR: .directory
            case S_IFLNK: .symbolicLink
            case S_IFSOCK: .socket
            case S_IFIFO: .fifo
            case S_IFBLK: .blockDevice
            case S_IFCHR: .characterDevice
            default: .regular
            }
        mode = FileMode(status.st_mode)
        owner = FileOwner(user: status.st_uid, group: status.st_gid)
        size = ByteCount(Int64(status.st_size))
        allocated = ByteCount(Int64(status.st_blocks) * 512)
        modified = Timestamp(
            seconds: Int64(status.st_mtim.tv_sec), nanoseconds: Int32(status.st_mtim.tv_nsec))
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        linkCount = UInt64(status.st_nlink)
    }
}

/// How full a file system is.
public struct FileSystemSpace: Hashable, Sendable {
    public var total: ByteCount
    /// Free for anybody; ``free`` also counts what is kept back for root.
    public var available: ByteCount
    public var free: ByteCount
    public var inodes: UInt64
    public var freeInodes: UInt64

    public var used: ByteCount { ByteCount(total.bytes - free.bytes) }
}
