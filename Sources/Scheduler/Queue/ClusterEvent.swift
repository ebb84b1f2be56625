import API
import APIMachinery

/// Something that happened in the cluster, which may let a pod in that was refused (KEP-4247).
enum ClusterEvent {
    /// A pod is on a node now, or has other labels there.
    case podPlaced(PodFacts)
    /// A pod left its node, or needs less there; the node as it is now, if it is known.
    case podLeft(PodFacts, NodeFacts?)
    case nodeChanged(NodeFacts, NodeFacts.Change)
    /// Nodes are gone: what is counted over all of them changed.
    case nodeLeft
    /// A claim, a volume, a class, or what storage says of itself.
    case volumesChanged
    /// The labels of a namespace.
    case namespaceChanged
    /// Devices, their classes, or claims for them.
    case devicesChanged

    /// The rules whose mind it may change. What would change an extender's, nobody knows.
    var plugins: PluginSet { ownPlugins.union(PluginSet(.extender)) }

    private var ownPlugins: PluginSet {
        switch self {
        case .podPlaced: PluginSet(.interPodAffinity, .podTopologySpread)
        case .podLeft:
            PluginSet(
                .nodeResourcesFit, .nodePorts, .interPodAffinity, .podTopologySpread, .volumeRestrictions,
                .nodeVolumeLimits, .dynamicResources)
        case .nodeChanged(_, let change): Self.plugins(of: change)
        case .nodeLeft: PluginSet(.podTopologySpread, .interPodAffinity)
        case .volumesChanged:
            PluginSet(.volumeBinding, .volumeZone, .volumeRestrictions, .nodeVolumeLimits)
        case .namespaceChanged: PluginSet(.interPodAffinity)
        case .devicesChanged: PluginSet(.dynamicResources, .nodeResourcesFit)
        }
    }

    private static func plugins(of change: NodeFacts.Change) -> PluginSet {
        if change.contains(.appearance) { return .all }
        var plugins = PluginSet()
        if change.contains(.labels) {
            plugins.formUnion(
                PluginSet(
                    .nodeAffinity, .interPodAffinity, .podTopologySpread, .volumeBinding, .volumeZone,
                    .dynamicResources))
        }
        if change.contains(.taints) {
            plugins.formUnion(PluginSet(.taintToleration, .nodeUnschedulable, .podTopologySpread))
        }
        if change.contains(.amounts) { plugins.formUnion(PluginSet(.nodeResourcesFit, .dynamicResources)) }
        return plugins
    }

    /// Whether one of the rules that refused the pod, and that the event concerns, might let it in now. `isBacked` tells
    /// of an extended resource whether devices stand for it.
    func isWorth(
        _ pod: PodFacts, _ plugins: PluginSet, _ profile: Profile, isBacked: (String) -> Bool = { _ in false }
    ) -> Bool {
        plugins.members.contains { hints(at: $0, pod, profile, isBacked) }
    }

    private func hints(
        at plugin: Plugin, _ pod: PodFacts, _ profile: Profile, _ isBacked: (String) -> Bool
    ) -> Bool {
        switch (self, plugin) {
        case (.nodeChanged(let node, _), .nodeAffinity):
            NodeAffinityFilter(pod, profile)?.refusal(of: node) == nil
        case (.nodeChanged(let node, _), .taintToleration): TaintFilter(pod).refusal(of: node) == nil
        case (.nodeChanged(let node, _), .nodeUnschedulable):
            NodeUnschedulableFilter(pod)?.refusal(of: node) == nil
        case (.nodeChanged(let node, _), .nodeResourcesFit), (.podLeft(_, let node?), .nodeResourcesFit):
            NodeResourcesFilter(pod, profile.fit, backed: Set(pod.extended.map(\.resource).filter(isBacked)))
                .refusal(of: node) == nil
        case (.devicesChanged, .nodeResourcesFit): pod.extended.contains { isBacked($0.resource) }
        case (.podLeft(let other, _), .nodePorts):
            other.hostPorts.contains { port in pod.hostPorts.contains { $0.conflicts(with: port) } }
        case (.podLeft(let other, _), .volumeRestrictions), (.podLeft(let other, _), .nodeVolumeLimits):
            !other.claims.isEmpty || !other.legacyDisks.isEmpty
        case (.podLeft(let other, _), .dynamicResources): !other.deviceClaims.isEmpty || !other.extended.isEmpty
        case (.podPlaced(let other), .podTopologySpread), (.podLeft(let other, _), .podTopologySpread):
            other.name.namespace == pod.name.namespace
        default: true
        }
    }
}
