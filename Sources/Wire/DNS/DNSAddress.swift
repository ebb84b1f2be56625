import NIOCore
public import Support

/// Where a server of DNS listens, over UDP and TCP.
public struct DNSAddress: Hashable, Sendable, CustomStringConvertible {
    public var ip: IPAddress
    public var port: UInt16

    public init(_ ip: IPAddress, port: UInt16 = 53) {
        self.ip = ip
        self.port = port
    }

    /// `10.43.0.10:53`, `[::1]:53`.
    public var description: String { ip.family == .v6 ? "[\(ip)]:\(port)" : "\(ip):\(port)" }

    var socketAddress: SocketAddress {
        get throws { try SocketAddress(ipAddress: ip.description, port: Int(port)) }
    }
}
