import APIMachinery

/// What is known of the claims for devices that a pod names, and of the devices that there are.
struct PodDevices: Sendable {
    /// A claim that has its devices.
    struct Held: Sendable {
        var claim: ObjectName
        /// The nodes that reach them; `nil` for all.
        var nodes: NodeSelector?
        /// Whether the pod is among its users.
        var isReserved: Bool
        /// Whether it was made for the pod's extended resources.
        var isExtended = false
        /// Whether nobody else uses it.
        var isSpare = false
        var binding = DeviceBinding.ready
    }

    /// What no node can mend.
    var refusal: Refusal?
    var held: [Held] = []
    var needs: [DeviceNeed] = []
    var stock = DeviceStock()
    var taken = DeviceLoad()
    /// What devices give for extended resources, as long as no claim was made for them; and the names of those that
    /// devices stand for where nodes have none.
    var extended: ExtendedDevices?
    var backed: Set<String> = []
    /// A claim that was made for extended resources, and not given its devices.
    var stale: ObjectName?

    var isEmpty: Bool { refusal == nil && held.isEmpty && needs.isEmpty && extended == nil && stale == nil }

    /// Devices of a node for the claims that have none; `nil` when they are not to be had there.
    func picks(on node: NodeFacts) -> [DeviceAllocator.Pick]? {
        var needs = needs
        if let extended, let share = extended.share(on: node) { needs.append(extended.need(share, namespace: "")) }
        guard !needs.isEmpty else { return [] }
        var allocator = DeviceAllocator(
            needs, devices: stock.devices.filter { $0.isReached(from: node) }, taken: taken, counters: stock.left(by: taken))
        return allocator.allocate()
    }

    /// What is written to claims when the pod goes to a node. `random` makes the ids of shares.
    func grants(
        _ picks: [DeviceAllocator.Pick], on node: NodeFacts, for pod: PodFacts,
        random: inout some RandomNumberGenerator
    ) -> [DeviceGrant] {
        var (needs, made): ([DeviceNeed], DeviceGrant.Made?) = (needs, nil)
        if let extended, let share = extended.share(on: node) {
            needs.append(extended.need(share, namespace: pod.name.namespace))
            made = .init(claim: extended.claim(share, for: pod), mappings: share.mappings.map(\.value))
        }
        var grants: [DeviceGrant] = []
        for (index, need) in needs.enumerated() {
            let picks = picks.filter { $0.claim == index }
            let shares = picks.map { $0.portions == nil ? nil : Self.identifier(&random) }
            var grant = DeviceGrant(claim: need.claim, uid: need.uid, picks: picks, shares: shares, node: node.name)
            if index == self.needs.count { grant.made = made }
            grants.append(grant)
        }
        return grants
            + held.filter { !$0.isReserved }.map {
                DeviceGrant(claim: $0.claim, uid: "", picks: [], shares: [], node: node.name)
            }
    }

    // MARK: Devices that must be made ready (KEP-5007)

    /// Whether a pod that has these devices besides those that it held must wait before it is bound.
    func mustWait(for picks: [DeviceAllocator.Pick]) -> Bool {
        held.contains { if case .pending = $0.binding { true } else { false } }
            || picks.contains { !$0.device.bindingConditions.isEmpty }
    }

    /// How long devices may take still until they have taken `limit`; `nil` when none is waited for.
    func patience(limit: Duration) -> Duration? {
        held.compactMap { if case .pending(let time?) = $0.binding { limit - time } else { nil } }.min()
    }

    /// What is given up so that other devices can be chosen.
    enum Release: Hashable, Sendable {
        /// The devices of a claim that nobody else uses, and why, if they could not be made ready.
        case devices(ObjectName, why: String?)
        /// A claim that was made for extended resources.
        case claim(ObjectName, why: String?)
    }

    /// What is given up after a pod fitted nowhere, and what is said of that.
    func release(after diagnosis: Diagnosis, limit: Duration) -> (release: Release?, text: String) {
        guard !isEmpty, diagnosis.ofPod == nil else { return (nil, "no new claims to deallocate") }
        let asked = diagnosis.refused.filter { $0.refusal.plugin == .dynamicResources }.map(\.node)
        let useless = held.filter { held in asked.contains { held.isUseless(on: $0, limit: limit) } }
        if let claim = useless.first(where: { $0.isSpare && !$0.isExtended }) {
            return (.devices(claim.claim, why: claim.failure(limit: limit)), "deallocation of ResourceClaim completed")
        }
        let made = useless.first(where: \.isExtended)
        if let claim = stale ?? made?.claim {
            return (.claim(claim, why: made?.failure(limit: limit)), "deletion of ResourceClaim completed")
        }
        return (nil, "still not schedulable")
    }

    /// A random UUID (RFC 9562, version 4).
    private static func identifier(_ random: inout some RandomNumberGenerator) -> String {
        let (high, low) = (random.next() & ~0xF000 | 0x4000, random.next() >> 2 | 1 << 63)
        let digits = [high, low].map { word in
            let text = String(word, radix: 16)
            return String(repeating: "0", count: 16 - text.count) + text
        }.joined()
        var (parts, rest): ([Substring], Substring) = ([], digits[...])
        for length in [8, 4, 4, 4, 12] {
            parts.append(rest.prefix(length))
            rest = rest.dropFirst(length)
        }
        return parts.joined(separator: "-")
    }
}

extension PodDevices.Held {
    /// Whether its devices are of no use on a node.
    func isUseless(on node: NodeFacts, limit: Duration) -> Bool {
        if let nodes, !nodes.matches(labels: node.labels, name: node.name) { return true }
        return failure(limit: limit) != nil
    }

    /// Why its devices will not be ready, or not in time.
    func failure(limit: Duration) -> String? {
        switch binding {
        case .failed(let why): why
        case .pending(let time?) where time > limit: "claim \(claim.name) binding timeout"
        default: nil
        }
    }
}
