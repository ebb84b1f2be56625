import Runtime
import Support

/// How much of a resource a node has: `node.status.capacity` and `node.status.allocatable`.
struct DeviceAmounts: Hashable, Sendable {
    var capacity: Int
    var allocatable: Int

    static let none = DeviceAmounts(capacity: 0, allocatable: 0)
}

/// The devices of the node's plug-ins, and which container has which.
///
/// Pure: it knows what plug-ins said and what was given; asking plug-ins is ``DeviceKeeper``'s.
struct DeviceLedger: Sendable {
    struct Device: Hashable, Sendable {
        var isHealthy: Bool
        /// The nodes of memory that it is near to; empty where that makes no difference.
        var nodes: [Int] = []
    }

    /// What a container has of a resource.
    struct Allocation: Hashable, Sendable {
        /// By the node of memory; -1 for those that have none.
        var ids: [Int64: [String]]
        var answer: DeviceAPI.ContainerAllocateResponse

        var all: Set<String> { Set(ids.values.joined()) }
    }

    struct Resource: Hashable, Sendable {
        var devices: [String: Device] = [:]
        /// Since when no plug-in serves it; `nil` while one does.
        var goneSince: ContinuousClock.Instant?

        var healthy: Set<String> { Set(devices.filter(\.value.isHealthy).keys) }
    }

    /// As long as its devices count as there, though not healthy, when a plug-in has left; Kubernetes' own
    /// number.
    static let patience = Duration.seconds(300)
    /// Stands for devices without a node of memory in the checkpoint.
    static let withoutNode: Int64 = -1

    private(set) var resources: [String: Resource] = [:]
    /// Resources that were there once: nothing is left of them.
    private var former: Set<String> = []
    /// By pod, container, resource.
    private(set) var allocations: [String: [String: [String: Allocation]]] = [:]

    init() {}

    /// As it was left: pods have their devices, of which none is there until a plug-in tells.
    init(
        _ allocations: [String: [String: [String: Allocation]]], registered: Set<String>,
        at now: ContinuousClock.Instant
    ) {
        self.allocations = allocations
        for name in registered { resources[name] = Resource(goneSince: now) }
    }

    // MARK: Plug-ins

    /// A plug-in serves the resource. The devices are those of before until it lists its own.
    mutating func connect(_ resource: String) {
        former.remove(resource)
        resources[resource, default: Resource()].goneSince = nil
    }

    mutating func update(_ resource: String, _ list: [DeviceAPI.Device]) {
        var devices: [String: Device] = [:]
        for device in list {
            devices[device.id] = Device(
                isHealthy: device.health == DeviceAPI.Device.healthy,
                nodes: device.topology?.nodes.map { Int($0.id) } ?? [])
        }
        resources[resource, default: Resource()].devices = devices
    }

    /// No plug-in serves the resource any more.
    mutating func disconnect(_ resource: String, at now: ContinuousClock.Instant) {
        guard let present = resources[resource] else { return }
        let devices = present.devices.mapValues { Device(isHealthy: false, nodes: $0.nodes) }
        resources[resource] = Resource(devices: devices, goneSince: now)
    }

    /// What the Node object tells. Resources whose plug-in has been gone for long are forgotten by it.
    mutating func amounts(at now: ContinuousClock.Instant) -> [String: DeviceAmounts] {
        for (name, resource) in resources {
            guard let since = resource.goneSince, now - since >= Self.patience else { continue }
            resources[name] = nil
            former.insert(name)
        }
        var amounts = Dictionary(uniqueKeysWithValues: former.map { ($0, DeviceAmounts.none) })
        for (name, resource) in resources {
            amounts[name] = DeviceAmounts(
                capacity: resource.devices.count, allocatable: resource.healthy.count)
        }
        return amounts
    }

    /// Whether a container that asks for it is given devices.
    func isManaged(_ resource: String) -> Bool {
        resources[resource] != nil
            || allocations.values.contains { $0.values.contains { $0[resource] != nil } }
    }

    // MARK: Pods

    func devices(of pod: String, _ container: String, _ resource: String) -> Allocation? {
        allocations[pod]?[container]?[resource]
    }

    /// All that containers have of a resource.
    func inUse(_ resource: String) -> Set<String> {
        var used = Set<String>()
        for containers in allocations.values {
            for resources in containers.values { used.formUnion(resources[resource]?.all ?? []) }
        }
        return used
    }

    /// Those that have devices of a resource.
    func pods(with resource: String) -> [String] {
        allocations.filter { $0.value.values.contains { $0[resource] != nil } }.keys.sorted()
    }

    /// How much of each resource is in use.
    var used: [String: Int64] {
        var names = Set<String>()
        for containers in allocations.values {
            for resources in containers.values { names.formUnion(resources.keys) }
        }
        return Dictionary(uniqueKeysWithValues: names.map { ($0, Int64(inUse($0).count)) })
    }

    /// What a container may be given: `nil` when it has all that it asks for. `reusable` is what containers
    /// of the pod that end before it have. The faults are in the words of Kubernetes.
    func choice(
        _ pod: String, _ container: String, _ resource: String, count: Int, reusable: Set<String>,
        affinity: NUMAMask?
    ) throws(Fault) -> DeviceChoice? {
        let present = devices(of: pod, container, resource)?.all
        if let present, present.count != count {
            throw Fault(
                .conflict,
                "pod \(QuotedText.quoted(pod)) container \(QuotedText.quoted(container)) changed request for resource "
                    + "\(QuotedText.quoted(resource)) from \(present.count) to \(count)")
        }
        guard let known = resources[resource] else {
            throw Fault(.notFound, "cannot allocate unregistered device \(resource)")
        }
        let healthy = known.healthy
        guard !healthy.isEmpty else {
            throw Fault(
                .unavailable, "no healthy devices present; cannot allocate unhealthy devices \(resource)")
        }
        guard healthy.isSuperset(of: present ?? []) else {
            throw Fault(
                .unavailable,
                "previously allocated devices are no longer healthy; cannot allocate unhealthy devices \(resource)"
            )
        }
        guard present == nil, count > 0 else { return nil }
        let chosen = Set(reusable.sorted().prefix(count))
        let free = healthy.subtracting(inUse(resource)).subtracting(chosen)
        let missing = count - chosen.count
        guard free.count >= missing else {
            throw Fault(
                .full,
                "requested number of devices unavailable for \(resource). Requested: \(missing), "
                    + "Available: \(free.count)")
        }
        return DeviceChoice(chosen: chosen, missing: missing, free: free, known.devices, affinity)
    }

    /// Where devices can be had that are near to some memory. `present` is what is had already, `reusable` as
    /// above; `nil` when the resource has no preference.
    func hints(
        _ resource: String, _ count: Int, present: Set<String>?, reusing reusable: Set<String>, nodes: [Int]
    ) -> [TopologyHint]? {
        let devices = resources[resource]?.devices ?? [:]
        guard devices.values.contains(where: { !$0.nodes.isEmpty }) else { return nil }
        if let present, present.count != count { return TopologyHint.impossible }
        let must = present == nil ? reusable : []
        let free = present ?? healthyAndFree(resource).subtracting(must)
        guard free.count + must.count >= count else { return TopologyHint.impossible }
        var (fewest, masks) = (nodes.count, [NUMAMask]())
        for mask in NUMAMask.combinations(of: nodes) {
            func isNear(_ id: String) -> Bool { mask.containsAny(of: devices[id]?.nodes ?? []) }
            if devices.keys.count(where: isNear) >= count { fewest = min(fewest, mask.count) }
            let attached = must.filter { devices[$0]?.nodes.isEmpty == false }
            guard attached.allSatisfy(isNear), attached.count + free.count(where: isNear) >= count else {
                continue
            }
            masks.append(mask)
        }
        guard !masks.isEmpty else { return TopologyHint.impossible }
        return masks.map { TopologyHint(affinity: $0, isPreferred: $0.count == fewest) }
    }

    private func healthyAndFree(_ resource: String) -> Set<String> {
        (resources[resource]?.healthy ?? []).subtracting(inUse(resource))
    }

    /// The container has these from now on.
    mutating func give(
        _ pod: String, _ container: String, _ resource: String, _ ids: Set<String>,
        _ answer: DeviceAPI.ContainerAllocateResponse
    ) {
        var byNode: [Int64: [String]] = [:]
        for id in ids.sorted() {
            let nodes = resources[resource]?.devices[id]?.nodes ?? []
            for node in nodes.isEmpty ? [Self.withoutNode] : nodes.map(Int64.init) {
                byNode[node, default: []].append(id)
            }
        }
        allocations[pod, default: [:]][container, default: [:]][resource] = Allocation(
            ids: byNode, answer: answer)
    }

    /// The pod needs none any more. False when it had none.
    mutating func release(_ pod: String) -> Bool { allocations.removeValue(forKey: pod) != nil }
}
