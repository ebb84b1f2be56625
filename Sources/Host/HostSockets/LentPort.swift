public import Support

/// A port of the machine that somebody listens on.
public struct LentPort: Hashable, Sendable, CustomStringConvertible {
    public enum Transport: String, Hashable, Sendable {
        case tcp, udp
    }

    public var transport: Transport
    /// One of the machine's, or the unspecified one for all of its family.
    public var address: IPAddress
    /// 0 takes any free one.
    public var port: UInt16

    public init(_ transport: Transport = .tcp, _ address: IPAddress, _ port: UInt16) {
        self.transport = transport
        self.address = address
        self.port = port
    }

    /// Reads what ``description`` prints.
    init?(_ text: some StringProtocol) {
        let words = text.split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 3, let transport = Transport(rawValue: String(words[0])),
            let address = IPAddress(words[1]),
            let port = UInt16(words[2])
        else { return nil }
        self.init(transport, address, port)
    }

    /// `tcp 0.0.0.0 6443`
    public var description: String { "\(transport.rawValue) \(address) \(port)" }
}
