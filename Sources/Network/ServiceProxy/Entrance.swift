import Support

/// A protocol with ports, by its number in the IP header.
enum Transport: UInt8, Hashable, Comparable, Sendable {
    case tcp = 6
    case udp = 17
    case sctp = 132

    /// As the API names it; empty means TCP.
    init?(name: String) {
        switch name {
        case "TCP", "": self = .tcp
        case "UDP": self = .udp
        case "SCTP": self = .sctp
        default: return nil
        }
    }

    static func < (a: Transport, b: Transport) -> Bool { a.rawValue < b.rawValue }
}

/// A port of one transport protocol.
struct TransportPort: Hashable, Comparable, Sendable {
    var transport: Transport
    var number: UInt16

    static func < (a: TransportPort, b: TransportPort) -> Bool {
        (a.transport, a.number) < (b.transport, b.number)
    }
}

/// Where connections are led to: a port of a pod or of a host.
struct Backend: Hashable, Comparable, Sendable {
    var address: IPAddress
    var port: UInt16
    /// On this node.
    var isLocal: Bool

    static func < (a: Backend, b: Backend) -> Bool { (a.address, a.port) < (b.address, b.port) }
}

/// What happens to a connection to one address and port of a service: which backends it is spread over, and
/// how.
struct Entrance: Hashable, Sendable {
    /// What a connection is addressed to. Ordered, so that the rules come out the same each time.
    enum Key: Hashable, Comparable, Sendable {
        case address(IPAddress, TransportPort)
        /// Any address of this node.
        case node(IPAddress.Family, TransportPort)

        var family: IPAddress.Family {
            switch self {
            case .address(let address, _): address.family
            case .node(let family, _): family
            }
        }

        var port: TransportPort {
            switch self {
            case .address(_, let port), .node(_, let port): port
            }
        }

        static func < (a: Key, b: Key) -> Bool {
            switch (a, b) {
            case (.address(let a, let aPort), .address(let b, let bPort)): (a, aPort) < (b, bPort)
            case (.address, .node): true
            case (.node, .address): false
            case (.node(let a, let aPort), .node(let b, let bPort)): (a.rawValue, aPort) < (b.rawValue, bPort)
            }
        }
    }

    /// Whose connections get this node's address as their source, so that answers come back this way.
    enum Masquerade: String, Hashable, Sendable {
        /// Those that do not come from a pod.
        case outsiders
        case always
        /// Those from 127.0.0.0/8, which would be answered nowhere else.
        case loopback
    }

    /// What a connection gets when there is no backend for it.
    enum Absence: Hashable, Sendable {
        case refuse
        case drop
    }

    var masquerade: Masquerade
    var backends: [Backend]
    /// With the policy `Local`: the backends for those who come from outside, under their own address.
    var localBackends: [Backend]?
    var absence = Absence.refuse
    /// How long a client is led to the same backend after its last connection; `nil` for not at all.
    var affinity: Duration?
    /// Who may connect; everybody when empty.
    var sourceRanges: [IPPrefix] = []
}

extension [Backend] {
    /// The same backends, each in the place that it had in `old` where that can be: few places change when
    /// few backends do.
    func arranged(like old: [Backend]) -> [Backend] {
        guard self != old else { return self }
        var missing = Set(self)
        var places = old.map { missing.remove($0) }
        var rest = filter(missing.contains)[...]
        for index in places.indices where places[index] == nil { places[index] = rest.popFirst() }
        places += rest.map(Optional.some)
        // What remains of the holes is filled from the end.
        var index = 0
        while index < places.count {
            while places.last == .some(nil) { places.removeLast() }
            if index < places.count, places[index] == nil { places.swapAt(index, places.count - 1) }
            index += 1
        }
        while places.last == .some(nil) { places.removeLast() }
        return places.compactMap(\.self)
    }
}
