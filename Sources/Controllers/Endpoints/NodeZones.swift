import API
import APIMachinery
import Client
import Synchronization

/// In which zone each node is, and what each zone can do, as far as endpoints depend on it.
final class NodeZones: Sendable {
    private struct Entry: Hashable {
        var zone: String?
        /// Thousandths of processors; 0 when nothing is to be reckoned with.
        var processors: Int64
    }

    static let label = "topology.kubernetes.io/zone"
    /// Control planes run no workload to speak of.
    private static let excluded = ["node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"]

    private let nodes = Mutex<[String: Entry]>([:])

    init() {}

    /// Takes in what became of a node. Returns whether endpoints may have to be told otherwise: a node that says nothing
    /// of a zone changes nothing.
    func take(_ change: ObjectChange) -> Bool {
        let entry = change.new.map { Self.entry(Node($0)) }
        return nodes.withLock { nodes in
            let old = nodes.updateValue(entry ?? Entry(processors: 0), forKey: change.name.name)
            if entry == nil { nodes[change.name.name] = nil }
            return old != entry && (old?.zone != nil || entry?.zone != nil)
        }
    }

    /// The zones of these nodes.
    func zones(of names: some Sequence<String>) -> [String: String] {
        nodes.withLock { nodes in
            var zones: [String: String] = [:]
            for name in names { zones[name] = nodes[name]?.zone }
            return zones
        }
    }

    /// `nil` when a node is in no zone, or there is but one.
    var shares: ZoneShares? {
        let entries = nodes.withLock { Array($0.values) }.filter { $0.processors > 0 }
        var processors: [String: Int64] = [:]
        for entry in entries {
            guard let zone = entry.zone else { return nil }
            processors[zone] = [processors[zone] ?? 0, entry.processors].saturatingSum
        }
        return ZoneShares(processors: processors)
    }

    private static func entry(_ node: Node) -> Entry {
        let zone = node.metadata.labels[label]
        let isCounted = node.isReady && excluded.allSatisfy { node.metadata.labels[$0] == nil }
        let amount = node.value.at("status", "allocatable", "cpu").flatMap { try? Quantity(json: $0) }?.milliValue
        return Entry(zone: zone?.isEmpty == false ? zone : nil, processors: isCounted ? amount ?? 0 : 0)
    }
}
