import Glibc
public import Support

/// An advisory lock (`flock`) on a file, held as long as this object lives and gone when the process ends,
/// however it ends.
public final class LockFile: Sendable {
    public let path: String
    private let descriptor: Descriptor

    // Closing alone would not do: a child that is being started has a copy of the descriptor until its program runs.
    deinit { flock(descriptor.number, LOCK_UN) }

    /// Takes the lock or fails at once: with the code `conflict` when another process holds it.
    public init(_ path: String) throws(Fault) {
        self.path = path
        descriptor = try trying("cannot open the lock file \(path)") { () throws(Errno) in
            try Descriptor.open(path, O_RDWR | O_CREAT, mode: 0o600)
        }
        do throws(Errno) {
            try system { flock(descriptor.number, LOCK_EX | LOCK_NB) }
        } catch Errno(EWOULDBLOCK) {
            let holder = (try? Files.readText(path, limit: .kibibytes(1))) ?? ""
            throw Fault(
                .conflict,
                "\(path) is locked by another process"
                    + (holder.isEmpty ? "" : " (\(holder.split(separator: "\n")[0]))"),
                remedy: "stop it first", cause: Errno(EWOULDBLOCK))
        } catch {
            throw Fault(error, "cannot lock \(path)")
        }
        // Only for people: the lock is what counts.
        try trying("cannot write to the lock file \(path)") { () throws(Errno) in
            try system { ftruncate(descriptor.number, 0) }
            try descriptor.write(Array("pid \(getpid())\n".utf8))
        }
    }
}
