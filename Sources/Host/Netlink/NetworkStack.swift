import CLinux
import Glibc
public import Support

/// The interfaces, addresses, routes and neighbours of one network namespace (rtnetlink(7)).
///
/// Calls are synchronous: the kernel has done what was asked when they return. Not `Sendable`: make one where
/// it is needed, it costs a socket.
public final class NetworkStack {
    let socket: NetlinkSocket

    /// Of this namespace, or of the calling thread's.
    public init(in namespace: NetworkNamespace? = nil) throws(Fault) {
        socket = try NetlinkSocket(protocol: NETLINK_ROUTE, in: namespace)
    }

    /// A change, with what was tried for the fault's text.
    func change(
        _ summary: @autoclosure () -> String, _ type: Int, flags: Int32 = 0,
        _ body: (inout NetlinkWriter) -> Void
    ) throws(Fault) {
        do throws(NetlinkError) {
            try socket.change(type, flags: flags, body)
        } catch {
            throw Fault(error, "cannot \(summary())")
        }
    }

    func dump(
        _ summary: String, _ type: Int, _ body: (inout NetlinkWriter) -> Void
    ) throws(Fault) -> [NetlinkMessage] {
        do throws(NetlinkError) {
            return try socket.dump(type, body)
        } catch {
            throw Fault(error, "cannot list \(summary)")
        }
    }
}

extension IPAddress.Family {
    var number: UInt8 { self == .v4 ? UInt8(AF_INET) : UInt8(AF_INET6) }

    init?(number: UInt8) {
        switch Int32(number) {
        case AF_INET: self = .v4
        case AF_INET6: self = .v6
        default: return nil
        }
    }
}
