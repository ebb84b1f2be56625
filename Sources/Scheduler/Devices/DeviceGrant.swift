import APIMachinery
import Support

/// Devices that a claim gets, and the pod that may use them. Without devices it has some already.
struct DeviceGrant: Sendable {
    /// A claim that is made for this, for extended resources, and what the pod's status says of it.
    struct Made: Sendable {
        var claim: Value
        var mappings: [Value]
    }

    var claim: ObjectName
    var uid: String
    var picks: [DeviceAllocator.Pick]
    /// For each of them the id of the share, if it is one.
    var shares: [String?]
    var node: String
    var made: Made?

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
    func status(of claim: Value, for pod: PodFacts, at now: Timestamp, classSpec: (String) -> Value?) -> Value? {
        var status = claim["status"] ?? .emptyObject
        if status["allocation"] == nil {
            guard !picks.isEmpty || !uid.isEmpty else { return nil }
            status["allocation"] = allocation(claim, classSpec)
            status[path: ["allocation", "allocationTimestamp"]] = .string(now.description)
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
        if !pick.device.bindingConditions.isEmpty {
            result["bindingConditions"] = Value(pick.device.bindingConditions)
            let failures = pick.device.bindingFailureConditions
            if !failures.isEmpty { result["bindingFailureConditions"] = Value(failures) }
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
            case _ where pick.device.bindsToNode, .node:
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
