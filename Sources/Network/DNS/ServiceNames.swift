import API
import Support
import Wire

/// What the DNS knows about one service. Pure.
struct ServiceNames: Hashable, Sendable {
    enum Kind: Hashable, Sendable {
        /// Known by its cluster IPs.
        case clustered([IPAddress])
        /// Known by its endpoints.
        case headless([EndpointNames])
        /// Another name for something else.
        case external(DNSName)
    }

    struct Port: Hashable, Sendable {
        /// Without the underscore, in lower case; may be empty.
        var name: String
        /// `tcp`, `udp`, `sctp`.
        var transport: String
        var number: UInt16
    }

    struct EndpointNames: Hashable, Sendable {
        var address: IPAddress
        /// Its label below the service: the pod's hostname, or else its address with dashes.
        var label: String
        /// Whether the pod asked for the name: only then it is the address's own name.
        var isNamed: Bool
        var ports: [Port]
    }

    var kind: Kind
    /// The ports of the service itself; a headless service has those of its endpoints.
    var ports: [Port]

    /// `nil` when the service has no name yet: no address was allocated.
    init?(_ service: Service, _ slices: [EndpointSlice]) {
        ports = []
        if service.spec.type == "ExternalName" {
            guard let target = DNSName(service.spec.externalName), target != .root else { return nil }
            kind = .external(target)
            return
        }
        if service.spec.clusterIP == "None" {
            let takesAll = service.spec.publishNotReadyAddresses
            kind = .headless(Self.endpoints(slices, takesAll: takesAll))
            return
        }
        let texts = service.spec.clusterIPs.isEmpty ? [service.spec.clusterIP] : service.spec.clusterIPs
        let addresses = texts.compactMap { IPAddress($0) }
        guard !addresses.isEmpty else { return nil }
        kind = .clustered(addresses)
        ports = service.spec.ports.compactMap { Port($0.name, $0.protocol, $0.port) }
    }

    private static func endpoints(_ slices: [EndpointSlice], takesAll: Bool) -> [EndpointNames] {
        var endpoints: [EndpointNames] = []
        var places: [IPAddress: Int] = [:]
        for slice in slices {
            let ports = slice.ports.compactMap { Port($0.name ?? "", $0.protocol ?? "TCP", $0.port ?? 0) }
            for endpoint in slice.endpoints where takesAll || endpoint.conditions.ready ?? true {
                guard let address = endpoint.addresses.first.flatMap({ IPAddress($0) }) else { continue }
                if let place = places[address] {
                    // One pod in two slices, each with other ports.
                    endpoints[place].ports += ports.filter { !endpoints[place].ports.contains($0) }
                    continue
                }
                places[address] = endpoints.count
                let dashed = String(address.description.map { $0 == "." || $0 == ":" ? "-" : $0 })
                endpoints.append(
                    EndpointNames(
                        address: address, label: endpoint.hostname?.lowercased() ?? dashed,
                        isNamed: endpoint.hostname != nil, ports: ports))
            }
        }
        return endpoints
    }
}

extension ServiceNames.Port {
    fileprivate init?(_ name: String, _ transport: String, _ number: Int) {
        guard let number = UInt16(exactly: number) else { return nil }
        self.init(
            name: name.lowercased(), transport: transport.isEmpty ? "tcp" : transport.lowercased(),
            number: number)
    }
}
