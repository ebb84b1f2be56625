import CLinux
import Glibc
public import Support

extension Files {
    /// Refers to what is at `path` below `directory`, without opening it: ``Descriptor/procPath`` then names
    /// just that file, whatever happens to the names that led to it.
    ///
    /// The kernel itself sees to it that no `..`, no absolute path and no symbolic link leads out of
    /// `directory`, whoever changes the tree meanwhile; what would is a fault (denied). Needs Linux 5.6.
    public static func reference(_ path: String, beneath directory: String) throws(Fault) -> Descriptor {
        try tryingBeneath("cannot find \(path) in \(directory)") { () throws(Errno) in
            let base = try Descriptor.open(directory, O_RDONLY | O_DIRECTORY)
            return Descriptor(
                owning: try system { linux_open_beneath(base.number, path, linux_reference_only) })
        }
    }

    // mkdir -p DIRECTORY/PATH
    /// Makes a directory below another, and those between that are missing, with exactly this mode; never
    /// outside of `directory`, as ``reference(_:beneath:)``. One that is there is left as it is.
    public static func makeDirectory(
        _ path: String, beneath directory: String, mode: FileMode
    ) throws(Fault) {
        try tryingBeneath("cannot make the directory \(path) in \(directory)") { () throws(Errno) in
            let base = try Descriptor.open(directory, O_RDONLY | O_DIRECTORY)
            var parent = base
            var done = ""
            for name in path.split(separator: "/").map(String.init) where name != "." {
                done = done.isEmpty ? name : done + "/" + name
                let isNew = mkdirat(parent.number, name, 0o700) == 0
                guard isNew || errno == EEXIST else { throw .last }
                parent = Descriptor(
                    owning: try system { linux_open_beneath(base.number, done, O_RDONLY | O_DIRECTORY) })
                if isNew { try system { fchmod(parent.number, mode.bits) } }
            }
        }
    }

    private static func tryingBeneath<Result>(
        _ summary: String, _ body: () throws(Errno) -> Result
    ) throws(Fault) -> Result {
        do {
            return try body()
        } catch {
            guard error.number == EXDEV else { throw Fault(error, summary) }
            var fault = Fault(.denied, "\(summary): it leads out of the directory")
            fault.cause = error
            throw fault
        }
    }
}

extension Descriptor {
    /// A path that names just what is open here, in this process only.
    public var procPath: String { "/proc/self/fd/\(number)" }
}
