import CLinux
import Glibc
public import Support

extension NetworkNamespace {
    /// A connection to a port of the namespace's own loopback, by IPv4 or else by IPv6. The socket's number is the caller's, who
    /// closes it. Waits for whoever listens there; call it from a thread that may wait.
    public func connect(toLoopback port: UInt16) throws(Fault) -> Int32 {
        try perform { () throws(Fault) -> Int32 in
            try trying("cannot connect to port \(port)") { () throws(Errno) -> Int32 in
                do throws(Errno) {
                    return try Self.connect(AF_INET, Self.loopback4(port))
                } catch {
                    let first = error
                    // Where there is no IPv6, the first one's reason counts.
                    do throws(Errno) { return try Self.connect(AF_INET6, Self.loopback6(port)) } catch { throw first }
                }
            }
        }
    }

    private static func loopback4(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return address
    }

    private static func loopback6(_ port: UInt16) -> sockaddr_in6 {
        var address = sockaddr_in6()
        address.sin6_family = sa_family_t(AF_INET6)
        address.sin6_port = port.bigEndian
        withUnsafeMutableBytes(of: &address.sin6_addr) { $0[15] = 1 }
        return address
    }

    private static func connect<Address>(_ family: Int32, _ address: Address) throws(Errno) -> Int32 {
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let number = try system { socket(family, type, 0) }
        do throws(Errno) {
            try system {
                withUnsafePointer(to: address) { pointer in
                    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                        Glibc.connect(number, $0, socklen_t(MemoryLayout<Address>.size))
                    }
                }
            }
            return number
        } catch {
            Glibc.close(number)
            throw error
        }
    }
}
