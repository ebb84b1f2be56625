import Glibc
import Host
import Support

/// A port of this machine, or of the network namespace of the calling thread, that a program listens on.
final class TakenPort: Sendable {
    let number: Int
    private let socket: Descriptor

    /// 0 takes any free one.
    init(_ port: UInt16 = 0) throws(Fault) {
        socket = Descriptor(owning: Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let number = socket.number
        let isTaken = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(number, $0, length) == 0 && listen(number, 1) == 0 && getsockname(number, $0, &length) == 0
            }
        }
        guard isTaken else { throw Fault(.conflict, "port \(port) cannot be taken") }
        self.number = Int(UInt16(bigEndian: address.sin_port))
    }
}
