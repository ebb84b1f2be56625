import Glibc

/// The name of a socket of this machine in the form that the kernel takes (`sockaddr_un`, unix(7)).
struct SocketAddress {
    private var address = sockaddr_un()

    /// Fails with `ENAMETOOLONG` beyond 107 bytes.
    init(_ path: String) throws(Errno) {
        address.sun_family = sa_family_t(AF_UNIX)
        let isShort = withUnsafeMutableBytes(of: &address.sun_path) { place in
            guard path.utf8.count < place.count else { return false }
            place.copyBytes(from: path.utf8)
            return true
        }
        guard isShort else { throw Errno(ENAMETOOLONG) }
    }

    /// Connects a socket to the one of this name.
    func connect(_ socket: Descriptor) throws(Errno) {
        try system {
            withUnsafePointer(to: address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    Glibc.connect(socket.number, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
        }
    }
}
