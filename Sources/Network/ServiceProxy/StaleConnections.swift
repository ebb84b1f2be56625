import Host
import Support

/// Which tracked UDP connections lead elsewhere than they should by now.
///
/// UDP has no end, so that a client that keeps its port would be sent to a pod that is gone as long as it
/// keeps sending. TCP connections end by themselves, and those to an endpoint that is ending shall stay.
struct StaleConnections: Sendable {
    private struct Destination: Hashable {
        var address: IPAddress
        var port: UInt16
    }

    /// The backends that each entrance has now.
    private var backends: [Entrance.Key: Set<Destination>] = [:]

    var isEmpty: Bool { backends.isEmpty }

    var families: Set<IPAddress.Family> { Set(backends.keys.map(\.family)) }

    /// An entrance has changed; `nil` when it is gone.
    mutating func add(_ key: Entrance.Key, _ entrance: Entrance?) {
        guard key.port.transport == .udp else { return }
        let present = (entrance?.backends ?? []) + (entrance?.localBackends ?? [])
        backends[key] = Set(present.map { Destination(address: $0.address, port: $0.port) })
    }

    func contains(_ connection: Connection) -> Bool {
        guard connection.transport == Transport.udp.rawValue else { return false }
        let (to, from) = (connection.original, connection.reply)
        let port = TransportPort(transport: .udp, number: to.destinationPort)
        let answering = Destination(address: from.source, port: from.sourcePort)
        let isTranslated = answering != Destination(address: to.destination, port: to.destinationPort)
        if let present = backends[.address(to.destination, port)] {
            // Begun before the service was there, it leads nowhere; where the service is gone, it may be
            // right.
            return isTranslated ? !present.contains(answering) : !present.isEmpty
        }
        guard isTranslated, let present = backends[.node(to.destination.family, port)] else { return false }
        return !present.contains(answering)
    }
}
