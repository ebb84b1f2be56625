import Host
import Support

extension RulePieces {
    /// Adds what makes an entrance work.
    mutating func add(_ entrance: Entrance, at key: Entrance.Key) {
        let rules = EntranceRules(key: key, entrance: entrance)
        let destination = rules.destination(&self)
        entries.insert(
            .init(
                map: .destinations(rules.scope, key.family),
                element: .init(key: rules.values, value: .verdict(.goto(destination)))))
    }
}

/// The pieces of one entrance. Pure.
private struct EntranceRules {
    let key: Entrance.Key
    let entrance: Entrance

    var scope: ServiceTable.Scope {
        switch key {
        case .address: .address
        case .node: .node
        }
    }

    /// The key in the map of destinations.
    var values: [Nftables.Value] {
        let port: [Nftables.Value] = [key.port.transport.value, .port(key.port.number)]
        switch key {
        case .address(let address, _): return [.ip(address)] + port
        case .node: return port
        }
    }

    /// For the names of chains of its own: `10.43.0.7-tcp-80`.
    private var name: String {
        let place =
            switch key {
            case .address(let address, _): address.nameText
            case .node(let family, _): "node" + family.digit
            }
        return "\(place)-\(key.port.transport)-\(key.port.number)"
    }

    /// The chain that connections are led to; adds it, and all that it needs.
    func destination(_ pieces: inout RulePieces) -> String {
        let spread = spread(&pieces)
        guard !entrance.sourceRanges.isEmpty else { return spread }
        let field = Nftables.Field.address(.saddr, key.family)
        let ranges = entrance.sourceRanges.withoutOverlaps.map { Nftables.Element(.prefix($0)) }
        let allowed = Nftables.SetReference.anonymous(ranges, key: [.address(key.family)])
        let chain = Nftables.Chain(
            "sources-" + name, rules: [.init(.match(field, .notIn(allowed)), .drop), .init(.goto(spread))])
        pieces.chains[chain.name] = chain
        return chain.name
    }

    private func spread(_ pieces: inout RulePieces) -> String {
        let (all, local) = (entrance.backends, entrance.localBackends)
        guard !all.isEmpty else {
            return entrance.absence == .drop ? ServiceTable.drop : ServiceTable.refuse
        }
        for backend in all where backend.isLocal { pieces.need(.hairpin(backend.address)) }
        // A memory for clients replaces the draw where it is asked for.
        if entrance.affinity == nil || local != nil { add(all, isLocal: false, to: &pieces) }
        if let affinity = entrance.affinity, local?.isEmpty != true {
            return addAffinity(affinity, local ?? all, &pieces)
        }
        if let local { add(local, isLocal: true, to: &pieces) }
        let chain: SpreadChain =
            if let local {
                .local(scope, count: local.count, all: all.count)
            } else {
                .all(scope, entrance.masquerade, count: all.count)
            }
        pieces.need(chain)
        return chain.name
    }

    private func add(_ backends: [Backend], isLocal: Bool, to pieces: inout RulePieces) {
        let place = values
        for (index, backend) in backends.enumerated() {
            pieces.entries.insert(
                .init(
                    map: .backends(scope, key.family, isLocal: isLocal),
                    element: .init(
                        key: place + [.mark(UInt32(index))],
                        value: .data([.ip(backend.address), .port(backend.port)]))))
        }
    }

    /// Chains and sets of the entrance's own: each backend remembers its clients, each for a time that begins
    /// anew with each connection.
    private func addAffinity(
        _ timeout: Duration, _ backends: [Backend], _ pieces: inout RulePieces
    ) -> String {
        // What a set is cannot change: another time makes other sets.
        let base = "affinity-\(name)-\(timeout.components.seconds)s"
        let client = Nftables.Field.address(.saddr, key.family)
        var main = Nftables.Chain(base)
        if entrance.localBackends == nil {
            main.rules = entrance.masquerade.rules
        } else {
            let count = entrance.backends.count
            main.rules = SpreadChain.insiders(scope, all: count)
            for chain in SpreadChain.local(scope, count: 0, all: count).needs { pieces.need(chain) }
        }
        var draw: [Nftables.Element] = []
        for (index, backend) in backends.enumerated() {
            let name = "\(base)-\(backend.address.nameText)-\(backend.port)"
            pieces.sets[name] = .init(
                name, key: [.address(key.family)], flags: [.timeout, .dynamic], timeout: timeout, size: 65_535
            )
            pieces.chains[name] = .init(
                name,
                rules: [
                    .init(.update(name, [client], timeout: timeout)),
                    .init(
                        .match(.meta(.l4proto), .is(key.port.transport.value)),
                        .dnat(.to(backend.address, port: backend.port))),
                ])
            main.rules.append(.init(.match(client, .in(.named(name))), .goto(name)))
            draw.append(.verdict(.mark(UInt32(index)), to: .goto(name)))
        }
        let number = Nftables.Field.numgenRandom(modulus: UInt32(backends.count))
        main.rules.append(.init(.vmap([number], .anonymous(draw, key: [.mark], value: .verdict))))
        pieces.chains[base] = main
        return base
    }
}

extension Transport {
    var value: Nftables.Value {
        switch self {
        case .tcp: .tcp
        case .udp: .udp
        case .sctp: .sctp
        }
    }
}

extension IPAddress {
    /// As part of a name, where nft(8) takes no colon.
    fileprivate var nameText: String { String(description.map { $0 == ":" ? "." : $0 }) }
}

extension [IPPrefix] {
    /// A set of the kernel takes no block twice, nor one inside another.
    fileprivate var withoutOverlaps: [IPPrefix] {
        var kept: [IPPrefix] = []
        for prefix in sorted(by: { $0.length < $1.length })
        where !kept.contains(where: { $0.overlaps(prefix) }) {
            kept.append(prefix)
        }
        return kept
    }
}
