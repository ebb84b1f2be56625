import CLinux
import Glibc
public import Support

/// Sockets of processes of this machine, which have the name of a file.
public enum LocalSocket {
    /// Whether there is a socket of this name that nobody listens on any more: the file stays when its process
    /// is killed. Connects to it where somebody does. False for what is no socket, and for one that is not
    /// there.
    public static func isAbandoned(_ path: String) throws(Fault) -> Bool {
        try trying("cannot connect to \(path)") { () throws(Errno) in
            let address = try SocketAddress(path)
            guard try isSocket(path) else { return false }
            let flags = Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
            let kind = Int32(SOCK_STREAM.rawValue) | flags
            let descriptor = Descriptor(owning: try system { socket(AF_UNIX, kind, 0) })
            do throws(Errno) {
                try address.connect(descriptor)
                return false
            } catch Errno(ECONNREFUSED) {
                return true
            } catch Errno(ENOENT) {
                return false
            } catch Errno(EAGAIN) {
                // Somebody listens, and has not accepted those before us.
                return false
            }
        }
    }

    private static func isSocket(_ path: String) throws(Errno) -> Bool {
        var status = stat()
        do throws(Errno) { try system { lstat(path, &status) } } catch Errno(ENOENT) { return false }
        return status.st_mode & S_IFMT == S_IFSOCK
    }
}
