import API
import Support

/// The entrances of one service on one node: what its spec, its endpoints and the load balancer's addresses
/// ask for. Pure.
struct ServiceEntrances {
    let service: Service
    let slices: [EndpointSlice]
    let options: ServiceProxyOptions

    /// Set on a service, another proxy serves it.
    private static let otherProxyLabel = "service.kubernetes.io/service-proxy-name"

    var entrances: [Entrance.Key: Entrance] {
        guard isServed else { return [:] }
        var entrances: [Entrance.Key: Entrance] = [:]
        for family in families {
            for port in service.spec.ports {
                guard let transport = Transport(name: port.protocol),
                    let number = UInt16(exactly: port.port), number > 0
                else { continue }
                let backends = ServiceBackends(of: port, family, in: slices, node: options.nodeName)
                let entry = TransportPort(transport: transport, number: number)
                let outside = external(backends)
                if let outside {
                    for address in service.spec.externalIPs.addresses(family) {
                        entrances[.address(address, entry)] = outside
                    }
                    for address in balancedAddresses(family) {
                        var entrance = outside
                        entrance.sourceRanges = sourceRanges(family)
                        entrances[.address(address, entry)] = entrance
                    }
                    if let nodePort = UInt16(exactly: port.nodePort), nodePort > 0 {
                        let entry = TransportPort(transport: transport, number: nodePort)
                        entrances[.node(family, entry)] = outside
                    }
                }
                for address in clusterIPs(family) { entrances[.address(address, entry)] = within(backends) }
            }
        }
        return entrances
    }

    private var isServed: Bool {
        service.spec.type != "ExternalName" && service.spec.clusterIP != "None"
            && service.metadata.labels[Self.otherProxyLabel] == nil
    }

    private var families: [IPAddress.Family] {
        let named = service.spec.ipFamilies.compactMap(IPAddress.Family.init(rawValue:))
        guard named.isEmpty else { return named }
        return IPAddress.Family.allCases.filter { !clusterIPs($0).isEmpty }
    }

    private func clusterIPs(_ family: IPAddress.Family) -> [IPAddress] {
        let all = service.spec.clusterIPs.isEmpty ? [service.spec.clusterIP] : service.spec.clusterIPs
        return all.addresses(family).filter { !options.ownClusterIPs.contains($0) }
    }

    private var affinity: Duration? {
        guard service.spec.sessionAffinity == "ClientIP" else { return nil }
        return .seconds(service.spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10_800)
    }

    /// For connections to a cluster IP.
    private func within(_ backends: ServiceBackends) -> Entrance {
        let all = backends.all
        let isLocal = service.spec.internalTrafficPolicy == "Local"
        var entrance = Entrance(masquerade: .outsiders, backends: isLocal ? backends.local : all)
        // The service works, only not for this node: it is not for us to refuse (KEP-2086).
        if isLocal, !all.isEmpty { entrance.absence = .drop }
        entrance.affinity = affinity
        return entrance
    }

    /// For connections to any other address; `nil` when there are no such.
    private func external(_ backends: ServiceBackends) -> Entrance? {
        let isBalanced = service.spec.type == "NodePort" || service.spec.type == "LoadBalancer"
        guard isBalanced || !service.spec.externalIPs.isEmpty else { return nil }
        var entrance = Entrance(masquerade: .always, backends: backends.all)
        if service.spec.externalTrafficPolicy == "Local" { entrance.localBackends = backends.local }
        entrance.affinity = affinity
        return entrance
    }

    private func balancedAddresses(_ family: IPAddress.Family) -> [IPAddress] {
        guard service.spec.type == "LoadBalancer" else { return [] }
        // With the mode `Proxy` connections shall go through the load balancer itself.
        let direct = service.status.loadBalancer.ingress.filter { $0.ipMode != "Proxy" }
        return direct.map(\.ip).addresses(family)
    }

    private func sourceRanges(_ family: IPAddress.Family) -> [IPPrefix] {
        service.spec.loadBalancerSourceRanges.compactMap { text in
            IPPrefix(text.filter { $0 != " " }).flatMap { $0.family == family ? $0.network : nil }
        }
    }
}

extension [String] {
    /// Those that are addresses of the family.
    fileprivate func addresses(_ family: IPAddress.Family) -> [IPAddress] {
        compactMap { IPAddress($0) }.filter { $0.family == family }
    }
}
