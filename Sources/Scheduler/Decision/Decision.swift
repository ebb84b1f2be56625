/// Chooses a node for one pod, in the steps of the scheduling framework (KEP-624): rules sift the nodes, judges weigh those
/// that are left, one of the best is taken.
///
/// It changes nothing, and depends on what it is given alone: also on where the look at the nodes begins and on the
/// numbers that settle ties.
struct Decision {
    let pod: PodFacts
    let profile: Profile
    let cluster: ClusterFacts
    let volumes: VolumeFacts
    let devices: PodDevices
    /// The rules that concern the pod, in order.
    let filters: [any NodeFilter]

    enum Sifted {
        /// These can take the pod; so many nodes were asked.
        case nodes([NodeFacts], asked: Int)
        case none(Diagnosis)
    }

    init(
        _ pod: PodFacts, _ volumes: VolumeFacts, _ profile: Profile, _ cluster: ClusterFacts,
        devices: PodDevices = PodDevices()
    ) {
        self.pod = pod
        self.profile = profile
        self.cluster = cluster
        self.volumes = volumes
        self.devices = devices
        filters = profile.filters.compactMap { plugin in
            switch plugin {
            case .dynamicResources: return DynamicResourcesFilter(devices, limit: profile.bindingTimeout)
            case .nodeResourcesFit:
                let backed = profile.filters.contains(.dynamicResources) ? devices.backed : []
                return NodeResourcesFilter(pod, profile.fit, backed: backed)
            default: return Self.filter(plugin, pod, volumes, profile, cluster)
            }
        }
    }

    private static func filter(
        _ plugin: Plugin, _ pod: PodFacts, _ volumes: VolumeFacts, _ profile: Profile, _ cluster: ClusterFacts
    ) -> (any NodeFilter)? {
        switch plugin {
        case .nodeUnschedulable: NodeUnschedulableFilter(pod)
        case .taintToleration: TaintFilter(pod)
        case .nodeAffinity: NodeAffinityFilter(pod, profile)
        case .nodePorts: NodePortsFilter(pod)
        case .volumeRestrictions: VolumeRestrictionsFilter(pod, volumes, cluster)
        case .nodeVolumeLimits: NodeVolumeLimitsFilter(pod, volumes)
        case .volumeBinding: VolumeBindingFilter(volumes)
        case .volumeZone: VolumeZoneFilter(volumes)
        case .podTopologySpread: TopologySpreadFilter(pod, cluster, profile)
        case .interPodAffinity: InterPodAffinityFilter(pod, cluster)
        default: nil
        }
    }

    // MARK: Sifting

    /// Asks nodes from the one at `start` on, until enough are found that can take the pod.
    func sift(from start: Int) -> Sifted {
        let order = cluster.order
        var diagnosis = Diagnosis(total: order.count)
        guard !order.isEmpty else { return .none(diagnosis) }
        let isAskedForDevices = profile.filters.contains(.dynamicResources)
        if let refusal = volumes.refusal ?? (isAskedForDevices ? devices.refusal : nil) {
            diagnosis.ofPod = refusal
            return .none(diagnosis)
        }
        if let nominated = cluster.nomination(of: pod.uid).flatMap(cluster.node) {
            // Room was made there for this pod.
            var (nodes, refused) = ([nominated], [(node: NodeFacts, refusal: Refusal)]())
            sift(&nodes, &refused)
            if !nodes.isEmpty { return .nodes(nodes, asked: 0) }
        }
        if let names = NodeRule(pod).names, profile.filters.contains(.nodeAffinity) {
            return sift(named: names, &diagnosis)
        }
        let enough = profile.enough(of: order.count)
        var (found, asked): ([NodeFacts], Int) = ([], 0)
        while found.count < enough, asked < order.count {
            let size = min(enough - found.count, order.count - asked)
            var nodes = Self.slice(order, from: start + asked, size)
            asked += size
            sift(&nodes, &diagnosis.refused)
            if found.isEmpty { found = nodes } else { found += nodes }
        }
        return found.isEmpty ? .none(diagnosis) : .nodes(found, asked: asked)
    }

    private func sift(named names: Set<String>, _ diagnosis: inout Diagnosis) -> Sifted {
        var nodes = names.sorted().compactMap(cluster.node)
        sift(&nodes, &diagnosis.refused)
        guard nodes.isEmpty else { return .nodes(nodes, asked: 0) }
        diagnosis.unasked = Refusal(.nodeAffinity, isFinal: true, "node(s) didn't satisfy plugin(s) [NodeAffinity]")
        return .none(diagnosis)
    }

    private static func slice(_ order: [NodeFacts], from start: Int, _ size: Int) -> [NodeFacts] {
        if size == order.count, start % order.count == 0 { return order }
        let begin = start % order.count
        let end = min(begin + size, order.count)
        return Array(order[begin..<end]) + Array(order[..<(size - (end - begin))])
    }

    private func sift(_ nodes: inout [NodeFacts], _ refused: inout [(node: NodeFacts, refusal: Refusal)]) {
        if cluster.hasNominations { siftNominated(&nodes, &refused) }
        for filter in filters {
            guard !nodes.isEmpty else { return }
            filter.sift(&nodes, &refused)
        }
    }

    /// Of nodes on which room is made for others as important, sorts out those where that room would be lost.
    private func siftNominated(
        _ nodes: inout [NodeFacts], _ refused: inout [(node: NodeFacts, refusal: Refusal)]
    ) {
        let nominated = cluster.nominated(besides: pod)
        guard !nominated.isEmpty else { return }
        nodes.removeAll { node in
            guard let others = nominated[node.name] else { return false }
            var trial = Trial(node, filters)
            for other in others { trial.add(other) }
            guard let refusal = trial.refusal else { return false }
            refused.append((node, refusal))
            return true
        }
    }

    // MARK: Judging

    /// What each node is worth to the pod, the judges' words weighed and summed.
    func scores(of nodes: [NodeFacts]) -> [Int] {
        var sums = [Int](repeating: 0, count: nodes.count)
        for (plugin, weight) in profile.scores {
            guard let scores = scorer(plugin, nodes)?.scores(of: nodes) else { continue }
            for index in sums.indices { sums[index] += weight * scores[index] }
        }
        return sums
    }

    private func scorer(_ plugin: Plugin, _ nodes: [NodeFacts]) -> (any NodeScorer)? {
        switch plugin {
        case .taintToleration: TaintScorer(pod)
        case .nodeAffinity: NodeAffinityScorer(pod, profile)
        case .nodeResourcesFit: NodeResourcesScorer(pod, profile)
        case .podTopologySpread: TopologySpreadScorer(pod, cluster, profile, among: nodes)
        case .interPodAffinity: InterPodAffinityScorer(pod, cluster, profile)
        case .nodeResourcesBalancedAllocation: BalancedAllocationScorer(pod, profile)
        case .dynamicResources: DynamicResourcesScorer(devices)
        case .imageLocality: ImageLocalityScorer(pod, cluster)
        default: nil
        }
    }

    /// One of the best nodes; which of several, a random number says.
    static func choose(_ nodes: [NodeFacts], _ scores: [Int], _ number: UInt64) -> NodeFacts {
        let best = scores.max() ?? 0
        let ties = scores.count { $0 == best }
        var turn = Int(number % UInt64(max(ties, 1)))
        for (index, score) in scores.enumerated() where score == best {
            if turn == 0 { return nodes[index] }
            turn -= 1
        }
        return nodes[0]
    }
}

/// A node as it would be, and whether it could take the pod then.
struct Trial {
    private(set) var node: NodeFacts
    private var filters: [any NodeFilter]

    init(_ node: NodeFacts, _ filters: [any NodeFilter]) {
        self.node = node.copy()
        self.filters = filters
    }

    mutating func add(_ other: PodFacts) {
        node.add(other)
        for index in filters.indices { filters[index].suppose(other, on: node, isThere: true) }
    }

    mutating func remove(_ other: PodFacts) {
        node.remove(other)
        for index in filters.indices { filters[index].suppose(other, on: node, isThere: false) }
    }

    var refusal: Refusal? {
        for filter in filters { if let refusal = filter.refusal(of: node) { return refusal } }
        return nil
    }
}
