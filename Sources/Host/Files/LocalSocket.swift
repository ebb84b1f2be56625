import CLinux
import Glibc
public import Support

/// Sockets of processes of this machine, which have the name of a file.
public enum LocalSocket {
    /// Whether there is a socket of this name that nobody listens on any more: the file stays when its process
    /// is killed. Connects to it where somebody does. False for what is no socket, and for one that is not
    /// there.
    public static func isAbandoned(_ path: String) throws(Fault) -> Bool {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let isShort = withUnsafeMutableBytes(of: &address.sun_path) { place in
            guard path.utf8.count < place.count else { return false }
            place.copyBytes(from: path.utf8)
            return true
        }
        guard isShort else { throw Fault(.invalid, "\(path) is too long for a socket") }
        return try trying("cannot connect to \(path)") { () throws(Errno) in
            guard try isSocket(path) else { return false }
            let flags = Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
            let kind = Int32(SOCK_STREAM.rawValue) | flags
            let descriptor = Descriptor(owning: try system { socket(AF_UNIX, kind, 0) })
            do throws(Errno) {
                try system {
                    withUnsafePointer(to: &address) {
                        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                            connect(descriptor.number, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                        }
                    }
                }
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
