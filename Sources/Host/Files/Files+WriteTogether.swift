import CLinux
import Glibc
public import Support

/// One of several changes to files that are made together.
public enum FileChange: Hashable, Sendable {
    /// A whole file with exactly this mode; a symbolic link at the path is replaced, not followed.
    case write(path: String, bytes: [UInt8], mode: FileMode, owner: FileOwner? = nil)
    /// A symbolic link, in place of whatever file has the path.
    case link(path: String, target: String)
    /// Nothing there is no fault.
    case remove(path: String)

    /// The path that changes.
    public var path: String {
        switch self {
        case .write(let path, _, _, _), .link(let path, _), .remove(let path): path
        }
    }

    fileprivate var complaint: String {
        switch self {
        case .write, .link: "cannot write \(path)"
        case .remove: "cannot remove \(path)"
        }
    }
}

extension Files {
    /// Makes many changes that are durable when this returns, at a fraction of what one after the other
    /// costs.
    ///
    /// All files are written beside their places, their data go to the disk together, and only then are they
    /// renamed into place, in the order given. A machine that loses power meanwhile has the first few of the
    /// changes, each whole: so let what others rest on come first. The directories must be there.
    public static func change(_ changes: [FileChange]) throws(Fault) {
        var staged: [(change: FileChange, temporary: String, file: Descriptor?)] = []
        do throws(Fault) {
            for change in changes {
                let name = ".\(Path.name(of: change.path)).\(UInt64.random(in: 0...UInt64.max))"
                let temporary = Path.join(Path.parent(of: change.path), name)
                staged.append((change, temporary, try stage(change, at: temporary)))
            }
            // Writing begins for all of them before the first is waited for.
            for (_, _, file) in staged { if let file { linux_begin_writing_out(file.number) } }
            for (change, _, file) in staged {
                guard let file else { continue }
                try trying(change.complaint) { () throws(Errno) in
                    try system { fsync(file.number) }
                }
            }
            for (change, temporary, _) in staged { try commit(change, from: temporary) }
        } catch {
            for (_, temporary, _) in staged { unlink(temporary) }
            throw error
        }
        for directory in Set(changes.map { Path.parent(of: $0.path) }) {
            try trying("cannot write \(directory)") { () throws(Errno) in
                let descriptor = try Descriptor.open(directory, O_RDONLY | O_DIRECTORY)
                try system { fsync(descriptor.number) }
            }
        }
    }

    private static func stage(_ change: FileChange, at temporary: String) throws(Fault) -> Descriptor? {
        try trying(change.complaint) { () throws(Errno) in
            switch change {
            case .write(_, let bytes, let mode, let owner):
                // Private until it is complete, so that a secret is never readable by others for a moment.
                let file = try Descriptor.open(
                    temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
                if let owner { try system { fchown(file.number, owner.user, owner.group) } }
                try file.write(bytes)
                try system { fchmod(file.number, mode.bits) }
                return file
            case .link(_, let target):
                try system { symlink(target, temporary) }
                return nil
            case .remove: return nil
            }
        }
    }

    private static func commit(_ change: FileChange, from temporary: String) throws(Fault) {
        try trying(change.complaint) { () throws(Errno) in
            switch change {
            case .write, .link: try system { Glibc.rename(temporary, change.path) }
            case .remove:
                do throws(Errno) { try system { unlink(change.path) } } catch Errno(ENOENT) {}
            }
        }
    }
}
