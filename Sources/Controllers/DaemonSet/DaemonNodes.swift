import API
import APIMachinery
import Client
import Synchronization

/// The nodes, as far as they matter to DaemonSets, and which DaemonSets a change of one concerns: those to which it is
/// another node now. What a kubelet reports of itself every so often concerns none.
final class DaemonNodes: Sendable {
    private struct State {
        var nodes: [String: DaemonNode] = [:]
        var placements: [ObjectName: NodePlacement] = [:]
    }

    private let state = Mutex(State())

    /// By name.
    var all: [DaemonNode] { state.withLock { Array($0.nodes.values) }.sorted { $0.name < $1.name } }

    /// Takes in what became of a DaemonSet.
    func take(set change: ObjectChange) {
        let (name, placement) = (change.name, change.new.map { DaemonSet($0).placement })
        state.withLock { $0.placements[name] = placement }
    }

    /// Takes in what became of a node, and returns whom it concerns.
    func take(node change: ObjectChange) -> [ObjectName] {
        let (name, new) = (change.name.name, change.new.map { DaemonNode(Node($0)) })
        let (old, placements) = state.withLock { state in
            let old = state.nodes[name]
            state.nodes[name] = new
            return (old, old == new ? [:] : state.placements)
        }
        return placements.filter { _, placement in
            old?.verdict(placement) ?? .leave != new?.verdict(placement) ?? .leave
        }.map(\.key)
    }
}
