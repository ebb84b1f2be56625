import NIOCore

/// One end of a connection, or where to listen.
public enum HTTPAddress: Hashable, Sendable, CustomStringConvertible {
    /// An IP address, or where it is to be resolved a host name, with a port.
    case tcp(host: String, port: Int)
    /// A Unix socket. An unnamed peer has the empty path.
    case unix(path: String)

    init(_ address: SocketAddress?) {
        switch address {
        case .v4, .v6: self = .tcp(host: address?.ipAddress ?? "", port: address?.port ?? 0)
        default: self = .unix(path: address?.pathname ?? "")
        }
    }

    /// `10.0.0.1:6443`, `[::1]:6443`, or the socket's path.
    public var description: String {
        switch self {
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): path
        }
    }
}
