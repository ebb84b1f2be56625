import Host
import Support

/// Parts of the table that belong to some entrances, in a form that can be compared: what is in one and not
/// in the other is what must change.
struct RulePieces {
    /// An element of one of the table's maps.
    struct Entry: Hashable {
        var map: Map
        var element: Nftables.Element
    }

    /// One of the table's maps and sets.
    enum Map: Hashable {
        case destinations(ServiceTable.Scope, IPAddress.Family)
        case backends(ServiceTable.Scope, IPAddress.Family, isLocal: Bool)
        case hairpins(IPAddress.Family)

        /// Without elements.
        var set: Nftables.Set {
            switch self {
            case .destinations(let scope, let family): ServiceTable.destinations(scope, family)
            case .backends(let scope, let family, let isLocal):
                ServiceTable.backends(scope, family, isLocal: isLocal)
            case .hairpins(let family): ServiceTable.hairpins(family)
            }
        }
    }

    /// What several entrances may need; it is there as long as one does.
    enum Shared: Hashable {
        case chain(SpreadChain)
        case hairpin(IPAddress)

        /// As an element of a set; `nil` for chains.
        var entry: Entry? {
            guard case .hairpin(let address) = self else { return nil }
            return Entry(map: .hairpins(address.family), element: .init(.ip(address), .ip(address)))
        }

        var chain: Nftables.Chain? {
            guard case .chain(let chain) = self else { return nil }
            return chain.chain
        }
    }

    var entries: Swift.Set<Entry> = []
    /// Chains and sets of one entrance alone, by name.
    var chains: [String: Nftables.Chain] = [:]
    var sets: [String: Nftables.Set] = [:]
    /// How many of the entrances need it.
    var shared: [Shared: Int] = [:]

    mutating func need(_ piece: Shared) { shared[piece, default: 0] += 1 }

    mutating func need(_ chain: SpreadChain) {
        for chain in chain.needs + [chain] { need(.chain(chain)) }
    }
}
