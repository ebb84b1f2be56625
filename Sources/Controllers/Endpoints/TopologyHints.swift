import API
import APIMachinery

/// From where an endpoint is to be used, so that traffic stays near (KEP-4444 and KEP-3015 for what a service asks for in
/// `trafficDistribution`, KEP-2433 for the annotation `service.kubernetes.io/topology-mode: Auto`).
enum TopologyHints: Hashable, Sendable {
    case none
    case sameZone
    case sameNode
    /// As many endpoints for each zone as it has processors, when that is possible.
    case byShare(ZoneShares)

    static let modeAnnotation = "service.kubernetes.io/topology-mode"
    private static let olderAnnotation = "service.kubernetes.io/topology-aware-hints"

    /// Whether a service asks for as many endpoints in each zone as it has processors.
    static func isByShare(_ service: Service) -> Bool {
        let annotations = service.metadata.annotations
        return ["Auto", "auto"].contains(annotations[modeAnnotation] ?? annotations[olderAnnotation] ?? "")
    }

    /// - Parameter shares: `nil` when the zones are not known well enough.
    init(_ service: Service, shares: ZoneShares?) {
        if Self.isByShare(service) {
            self = shares.map(TopologyHints.byShare) ?? .none
            return
        }
        switch service.spec.trafficDistribution {
        case "PreferClose"?, "PreferSameZone"?: self = .sameZone
        case "PreferSameNode"?: self = .sameNode
        default: self = .none
        }
    }

    /// The endpoints with their hints. Only ready ones have any: others get no traffic.
    func applied(to endpoints: [Endpoint]) -> [Endpoint] {
        switch self {
        case .none: return endpoints
        case .sameZone: return endpoints.map { Self.hinted($0, zone: $0.zone, node: nil) }
        case .sameNode: return endpoints.map { Self.hinted($0, zone: $0.zone, node: $0.nodeName) }
        case .byShare(let shares):
            let ready = endpoints.filter { $0.conditions.ready == true }
            guard let zones = shares.zones(for: ready.map(\.zone)) else { return endpoints }
            var next = zones.makeIterator()
            return endpoints.map { endpoint in
                endpoint.conditions.ready == true ? Self.hinted(endpoint, zone: next.next(), node: nil) : endpoint
            }
        }
    }

    private static func hinted(_ endpoint: Endpoint, zone: String?, node: String?) -> Endpoint {
        guard endpoint.conditions.ready == true, zone != nil || node != nil else { return endpoint }
        var (endpoint, hints) = (endpoint, EndpointHints())
        if let zone { hints.value["forZones"] = [["name": .string(zone)]] }
        if let node { hints.value["forNodes"] = [["name": .string(node)]] }
        endpoint.hints = hints
        return endpoint
    }
}

/// Which part of a cluster's processors each zone has.
struct ZoneShares: Hashable, Sendable {
    /// A zone may have so much more traffic for each endpoint than another.
    private static let overload = 0.2

    let shares: [String: Double]

    /// `nil` with fewer than two zones: there is nothing to keep apart.
    init?(processors: [String: Int64]) {
        let total = processors.values.saturatingSum
        guard processors.count > 1, total > 0, processors.values.allSatisfy({ $0 > 0 }) else { return nil }
        shares = processors.mapValues { Double($0) / Double(total) }
    }

    /// For which zone each endpoint is to be used, given the zones that they are in: its own, unless another zone has
    /// too few. `nil` when that cannot be done well: without a zone, or with fewer endpoints than zones.
    func zones(for endpoints: [String?]) -> [String]? {
        var zones = endpoints.compactMap(\.self)
        guard zones.count == endpoints.count, zones.count >= shares.count, zones.allSatisfy({ shares[$0] != nil })
        else { return nil }
        let desired = shares.mapValues { $0 * Double(zones.count) }
        let least = desired.mapValues { Int(($0 / (1 + Self.overload)).rounded(.up)) }
        guard least.values.reduce(0, +) <= zones.count else { return nil }
        var counts = shares.mapValues { _ in 0 }
        for zone in zones { counts[zone, default: 0] += 1 }
        for poor in least.keys.sorted() {
            while let count = counts[poor], count < least[poor] ?? 0 {
                // The richest zone gives; of equals the first by name.
                let rich = counts.filter { $0.value > least[$0.key] ?? 0 }.max { a, b in
                    let (x, y) = (Double(a.value) - (desired[a.key] ?? 0), Double(b.value) - (desired[b.key] ?? 0))
                    return x == y ? a.key > b.key : x < y
                }
                guard let rich, let index = zones.lastIndex(of: rich.key) else { return nil }
                zones[index] = poor
                counts[rich.key, default: 0] -= 1
                counts[poor, default: 0] += 1
            }
        }
        return zones
    }
}
