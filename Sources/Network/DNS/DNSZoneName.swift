import APIMachinery
import Support
import Wire

/// What is at one name of the cluster's domain.
enum DNSZoneName {
    case nothing
    /// Nothing but names below it.
    case branch
    /// The domain itself.
    case top
    case addresses([IPAddress])
    /// Of SRV records.
    case ports([Target])
    case service([IPAddress], [Target])
    case text(String)
    case alias(DNSName)

    struct Target {
        var name: DNSName
        var port: UInt16
        var addresses: [IPAddress]
    }

    /// - Parameter labels: Those before the domain, the leftmost first, in lower case.
    init(_ labels: [String], in zone: DNSZone) {
        switch labels.last {
        case nil: self = .top
        case "svc": self = Self.service(labels.dropLast(), in: zone)
        case "pod": self = Self.pod(labels.dropLast(), in: zone)
        case "dns-version": self = labels.count == 1 ? .text("1.1.0") : .nothing
        case "dns" where labels == ["dns"]: self = .branch
        case "dns" where labels == ["ns", "dns"]: self = .addresses(zone.serverAddresses)
        default: self = .nothing
        }
    }

    /// `<a-b-c-d>.<namespace>.pod`: any address, as k3s has it ("pods insecure").
    private static func pod(_ labels: ArraySlice<String>, in zone: DNSZone) -> DNSZoneName {
        guard let namespace = labels.last else { return .branch }
        guard zone.namespaces.contains(namespace) else { return .nothing }
        let rest = labels.dropLast()
        guard let label = rest.last else { return .branch }
        guard rest.count == 1, let address = IPAddress(dashed: label) else { return .nothing }
        return .addresses([address])
    }

    private static func service(_ labels: ArraySlice<String>, in zone: DNSZone) -> DNSZoneName {
        guard let namespace = labels.last else { return .branch }
        var rest = labels.dropLast()
        guard let name = rest.popLast() else {
            return zone.namespaces.contains(namespace) || zone.services[namespace] != nil ? .branch : .nothing
        }
        guard let names = zone.services[namespace]?[name] else { return .nothing }
        let service = ObjectName(namespace: namespace, name: name)
        let below = Array(rest)
        switch names.kind {
        case .external(let target): return below.isEmpty ? .alias(target) : .nothing
        case .clustered(let addresses):
            guard let own = zone.name(of: service) else { return .nothing }
            let targets = names.ports.map {
                (port: $0, Target(name: own, port: $0.number, addresses: addresses))
            }
            return content(below, addresses, targets)
        case .headless(let endpoints):
            if below.count == 1, let label = below.first, !label.hasPrefix("_") {
                let named = endpoints.filter { $0.label == label }.map(\.address)
                return named.isEmpty ? .nothing : .addresses(named)
            }
            let targets = endpoints.flatMap { endpoint in
                let own = zone.name(of: service, below: endpoint.label)
                return endpoint.ports.compactMap { port in
                    own.map { (port, Target(name: $0, port: port.number, addresses: [endpoint.address])) }
                }
            }
            return content(below, endpoints.map(\.address), targets)
        }
    }

    /// Of a service, or of `_<port>._<protocol>` below it.
    private static func content(
        _ below: [String], _ addresses: [IPAddress], _ targets: [(port: ServiceNames.Port, target: Target)]
    ) -> DNSZoneName {
        switch below.count {
        case 0:
            // A port without a name has no SRV record of its own, and none here.
            return .service(addresses, targets.map(\.target))
        case 1:
            return targets.contains { "_" + $0.port.transport == below[0] } ? .branch : .nothing
        case 2:
            let found = targets.filter {
                "_" + $0.port.name == below[0] && "_" + $0.port.transport == below[1]
            }
            return found.isEmpty ? .nothing : .ports(found.map(\.target))
        default: return .nothing
        }
    }
}
