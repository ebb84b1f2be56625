/// The scheduler's rules, under Kubernetes' names and in the order in which it asks them.
enum Plugin: Int, CaseIterable, Sendable {
    case schedulingGates, prioritySort, nodeUnschedulable, nodeName, taintToleration, nodeAffinity, nodePorts,
        nodeResourcesFit, volumeRestrictions, nodeVolumeLimits, volumeBinding, volumeZone, podTopologySpread,
        interPodAffinity, dynamicResources, defaultPreemption, nodeResourcesBalancedAllocation, imageLocality,
        defaultBinder
    /// No rule of ours: what extenders refuse.
    case extender

    var name: String {
        switch self {
        case .schedulingGates: "SchedulingGates"
        case .prioritySort: "PrioritySort"
        case .nodeUnschedulable: "NodeUnschedulable"
        case .nodeName: "NodeName"
        case .taintToleration: "TaintToleration"
        case .nodeAffinity: "NodeAffinity"
        case .nodePorts: "NodePorts"
        case .nodeResourcesFit: "NodeResourcesFit"
        case .volumeRestrictions: "VolumeRestrictions"
        case .nodeVolumeLimits: "NodeVolumeLimits"
        case .volumeBinding: "VolumeBinding"
        case .volumeZone: "VolumeZone"
        case .podTopologySpread: "PodTopologySpread"
        case .interPodAffinity: "InterPodAffinity"
        case .dynamicResources: "DynamicResources"
        case .defaultPreemption: "DefaultPreemption"
        case .nodeResourcesBalancedAllocation: "NodeResourcesBalancedAllocation"
        case .imageLocality: "ImageLocality"
        case .defaultBinder: "DefaultBinder"
        case .extender: "Extender"
        }
    }

    /// The plugin that a configuration names.
    init?(name: String) {
        guard let plugin = Self.allCases.first(where: { $0.name == name && $0 != .extender }) else { return nil }
        self = plugin
    }

    static let filters: [Plugin] = [
        .nodeUnschedulable, .nodeName, .taintToleration, .nodeAffinity, .nodePorts, .nodeResourcesFit,
        .volumeRestrictions, .nodeVolumeLimits, .volumeBinding, .volumeZone, .podTopologySpread, .interPodAffinity,
        .dynamicResources,
    ]

    /// Those that judge nodes, and what the word of each weighs.
    static let scores: [(plugin: Plugin, weight: Int)] = [
        (.taintToleration, 3), (.nodeAffinity, 2), (.nodeResourcesFit, 1), (.volumeBinding, 1),
        (.podTopologySpread, 2), (.interPodAffinity, 2), (.dynamicResources, 2), (.nodeResourcesBalancedAllocation, 1),
        (.imageLocality, 1),
    ]
}

/// Several plugins.
struct PluginSet: OptionSet, Hashable, Sendable {
    let rawValue: UInt32

    init(rawValue: UInt32) { self.rawValue = rawValue }
    init(_ plugins: Plugin...) { self = plugins.reduce(into: []) { $0.insert($1) } }

    mutating func insert(_ plugin: Plugin) { formUnion(PluginSet(rawValue: 1 << UInt32(plugin.rawValue))) }
    func contains(_ plugin: Plugin) -> Bool { rawValue & (1 << UInt32(plugin.rawValue)) != 0 }

    var members: [Plugin] { Plugin.allCases.filter { contains($0) } }
    static let all = Plugin.allCases.reduce(into: PluginSet()) { $0.insert($1) }
}
