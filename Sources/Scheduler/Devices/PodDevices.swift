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
    }

    /// What no node can mend.
    var refusal: Refusal?
    var held: [Held] = []
    var needs: [DeviceNeed] = []
    var stock = DeviceStock()
    var taken = DeviceLoad()

    var isEmpty: Bool { refusal == nil && held.isEmpty && needs.isEmpty }

    /// Devices of a node for the claims that have none; `nil` when they are not to be had there.
    func picks(on node: NodeFacts) -> [DeviceAllocator.Pick]? {
        guard !needs.isEmpty else { return [] }
        var allocator = DeviceAllocator(
            needs, devices: stock.devices.filter { $0.isReached(from: node) }, taken: taken, counters: stock.left(by: taken))
        return allocator.allocate()
    }

    /// What is written to claims when the pod goes to a node. `random` makes the ids of shares.
    func grants(
        _ picks: [DeviceAllocator.Pick], on node: String, random: inout some RandomNumberGenerator
    ) -> [DeviceGrant] {
        var grants: [DeviceGrant] = []
        for (index, need) in needs.enumerated() {
            let picks = picks.filter { $0.claim == index }
            let shares = picks.map { $0.portions == nil ? nil : Self.identifier(&random) }
            grants.append(DeviceGrant(claim: need.claim, uid: need.uid, picks: picks, shares: shares, node: node))
        }
        return grants
            + held.filter { !$0.isReserved }.map {
                DeviceGrant(claim: $0.claim, uid: "", picks: [], shares: [], node: node)
            }
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

/// Devices that a claim gets, and the pod that may use them. Without devices it has some already.
struct DeviceGrant: Sendable {
    var claim: ObjectName
    var uid: String
    var picks: [DeviceAllocator.Pick]
    /// For each of them the id of the share, if it is one.
    var shares: [String?]
    var node: String

    /// What is nobody else's from now on.
    var load: DeviceLoad {
        zip(picks, shares).reduce(into: DeviceLoad()) { load, entry in
            let (pick, share) = entry
            if let share, let portions = pick.portions {
                load.add(portions, of: pick.device.id, share: share)
            } else if !pick.way.isAdministrative {
                load.add(pick.device.id)
            }
        }
    }

    /// As many pods may use one claim (`ResourceClaimStatus.reservedFor`).
    static let mostUsers = 256

    /// The claim's status with the devices and the pod; `nil` when it changed so that they cannot be written.
    func status(of claim: Value, for pod: PodFacts, classSpec: (String) -> Value?) -> Value? {
        var status = claim["status"] ?? .emptyObject
        if status["allocation"] == nil {
            guard !picks.isEmpty || !uid.isEmpty else { return nil }
            status["allocation"] = allocation(claim, classSpec)
        }
        var users = status["reservedFor"]?.array ?? []
        if !users.contains(where: { $0["uid"]?.string == pod.uid }) {
            guard users.count < Self.mostUsers else { return nil }
            users.append(["resource": "pods", "name": .string(pod.name.name), "uid": .string(pod.uid)])
        }
        status["reservedFor"] = .array(users)
        return status
    }

    private func allocation(_ claim: Value, _ classSpec: (String) -> Value?) -> Value {
        var allocation: Value = ["devices": ["results": .array(zip(picks, shares).map(Self.result))]]
        let config = configuration(claim, classSpec)
        if !config.isEmpty { allocation[path: ["devices", "config"]] = .array(config) }
        if let nodes = reachable { allocation["nodeSelector"] = nodes }
        return allocation
    }

    private static func result(_ pick: DeviceAllocator.Pick, _ share: String?) -> Value {
        let id = pick.device.id
        var result: Value = [
            "request": .string(pick.way.name), "driver": .string(id.driver), "pool": .string(id.pool),
            "device": .string(id.device),
        ]
        if pick.way.isAdministrative { result["adminAccess"] = true }
        if let share {
            result["shareID"] = .string(share)
            let portions = (pick.portions ?? [:]).sorted { $0.key < $1.key }
            result["consumedCapacity"] = .object(Fields(portions.map { ($0.key, .string($0.value.description)) }))
        }
        return result
    }

    /// What drivers shall know, from classes first, so that the claim's own word is the last.
    private func configuration(_ claim: Value, _ classSpec: (String) -> Value?) -> [Value] {
        var entries: [Value] = []
        var seen: Set<String> = []
        for pick in picks where seen.insert(pick.way.name).inserted {
            for config in classSpec(pick.way.className)?["config"]?.array ?? [] {
                entries.append(Self.entry(config, "FromClass", [pick.way.name]))
            }
        }
        for config in claim.at("spec", "devices", "config")?.array ?? [] {
            let requests = (config["requests"]?.array ?? []).compactMap(\.string)
            let isUsed = requests.isEmpty || requests.contains { name in
                seen.contains(name) || seen.contains { $0.hasPrefix(name + "/") }
            }
            if isUsed { entries.append(Self.entry(config, "FromClaim", requests)) }
        }
        return entries
    }

    private static func entry(_ config: Value, _ source: String, _ requests: [String]) -> Value {
        var entry: Value = ["source": .string(source)]
        if !requests.isEmpty { entry["requests"] = Value(requests) }
        entry["opaque"] = config["opaque"]
        return entry
    }

    /// The nodes that reach all of the devices; `nil` for all nodes.
    private var reachable: Value? {
        var terms: [Value] = []
        for pick in picks {
            switch pick.device.place {
            case .node:
                let field: Value = ["key": "metadata.name", "operator": "In", "values": [.string(node)]]
                return ["nodeSelectorTerms": [["matchFields": [field]]]]
            case .nodes(_, let selector): terms += selector["nodeSelectorTerms"]?.array ?? []
            case .everywhere: break
            }
        }
        guard !terms.isEmpty else { return nil }
        // Validation allows one term of devices; the terms' conditions must all hold.
        var expressions: [Value] = []
        var fields: [Value] = []
        for term in terms {
            for expression in term["matchExpressions"]?.array ?? [] where !expressions.contains(expression) {
                expressions.append(expression)
            }
            for field in term["matchFields"]?.array ?? [] where !fields.contains(field) { fields.append(field) }
        }
        var term: Value = .emptyObject
        if !expressions.isEmpty { term["matchExpressions"] = .array(expressions) }
        if !fields.isEmpty { term["matchFields"] = .array(fields) }
        return ["nodeSelectorTerms": [term]]
    }
}
