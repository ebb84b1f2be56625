import APIMachinery
import CEL

/// A device that a driver offers (`ResourceSlice.spec.devices`, KEP-4381).
struct DeviceFacts: Sendable {
    struct ID: Hashable, Sendable {
        var driver: String
        var pool: String
        var device: String
    }

    /// A counter that devices of one pool draw from, so that those which overlap are not given twice (KEP-4815).
    struct Counter: Hashable, Sendable {
        var driver: String
        var pool: String
        var set: String
        var name: String
    }

    enum Place: Sendable {
        case node(String)
        case nodes(NodeSelector, Value)
        case everywhere
    }

    var id: ID
    var place: Place
    /// By full name: an attribute without a domain is its driver's.
    var attributes: [String: Value]
    var taints: [TaintFacts]
    /// By name, as the driver writes it.
    var capacity: [String: CapacityFacts]
    /// Whether several claims may have it, each a share of its capacity.
    var isShared: Bool
    /// What of the pool's counters is gone while anybody has it.
    var consumes: [Counter: Quantity]
    /// Conditions that must hold before a pod is bound to its node, and those that say that they will not (KEP-5007).
    var bindingConditions: [String]
    var bindingFailureConditions: [String]
    /// Whether it is one node's once it is given.
    var bindsToNode: Bool
    /// As selectors see it.
    var object: CELValue

    func isReached(from node: NodeFacts) -> Bool {
        switch place {
        case .node(let name): name == node.name
        case .nodes(let selector, _): selector.matches(labels: node.labels, name: node.name)
        case .everywhere: true
        }
    }

    /// Reads a device of a slice; `nil` for one that is on no node.
    init?(_ device: Value, of spec: Value) {
        let driver = spec["driver"]?.string ?? ""
        id = ID(
            driver: driver, pool: spec.at("pool", "name")?.string ?? "", device: device["name"]?.string ?? "")
        let source = spec["perDeviceNodeSelection"]?.bool == true ? device : spec
        if let name = source["nodeName"]?.string {
            place = .node(name)
        } else if let selector = source["nodeSelector"] {
            place = .nodes(NodeSelector(stored: selector), selector)
        } else if source["allNodes"]?.bool == true {
            place = .everywhere
        } else {
            return nil
        }
        taints = (device["taints"]?.array ?? []).map(TaintFacts.init)
        isShared = device["allowMultipleAllocations"]?.bool ?? false
        bindingConditions = (device["bindingConditions"]?.array ?? []).compactMap(\.string)
        bindingFailureConditions = (device["bindingFailureConditions"]?.array ?? []).compactMap(\.string)
        bindsToNode = device["bindsToNode"]?.bool ?? false
        consumes = [:]
        for entry in device["consumesCounters"]?.array ?? [] {
            let counters = Self.counters(entry, named: entry["counterSet"]?.string ?? "", of: spec)
            consumes.merge(counters, uniquingKeysWith: +)
        }
        attributes = [:]
        capacity = [:]
        var (known, amounts): ([String: [String: CELValue]], [String: [String: CELValue]]) = ([:], [:])
        for (name, attribute) in device["attributes"]?.fields ?? Fields() {
            guard let (kind, value) = attribute.fields?.first.map({ ($0.key, $0.value) }) else { continue }
            let (domain, own) = Self.parted(name, driver)
            attributes[domain + "/" + own] = value
            known[domain, default: [:]][own] = kind == "version" ? DeviceValues.version(value) : CELValue(value)
        }
        for (name, amount) in device["capacity"]?.fields ?? Fields() {
            let (domain, own) = Self.parted(name, driver)
            capacity[name] = CapacityFacts(amount)
            amounts[domain, default: [:]][own] = amount["value"].flatMap(DeviceValues.quantity)
        }
        func map(_ domains: [String: [String: CELValue]]) -> CELValue {
            .map(CELMap(domains.mapValues { CELValue.map(CELMap($0)) }))
        }
        object = .object(
            CELObject(
                "kubernetes.DRADevice",
                fields: [
                    ("driver", .string(driver)), ("attributes", map(known)), ("capacity", map(amounts)),
                    ("allowMultipleAllocations", .bool(isShared)),
                ]))
    }

    /// Reads `CounterSet`, or what a device consumes of one.
    static func counters(_ set: Value, named name: String, of spec: Value) -> [Counter: Quantity] {
        let (driver, pool) = (spec["driver"]?.string ?? "", spec.at("pool", "name")?.string ?? "")
        return (set["counters"]?.fields ?? Fields()).reduce(into: [:]) { counters, entry in
            // What does not parse was refused by validation.
            counters[Counter(driver: driver, pool: pool, set: name, name: entry.key)] =
                entry.value["value"]?.string.flatMap { try? Quantity($0) } ?? .zero
        }
    }

    /// What each share of the device takes of its capacity, for who wants these amounts; `nil` when it has none of them,
    /// or not in portions so large.
    func portions(for wanted: [String: Quantity]) -> [String: Quantity]? {
        guard wanted.keys.allSatisfy({ capacity[$0] != nil }) else { return nil }
        var portions: [String: Quantity] = [:]
        for (name, capacity) in capacity {
            guard let portion = capacity.portion(for: wanted[name]), portion <= capacity.amount else { return nil }
            portions[name] = portion
        }
        return portions
    }

    private static func parted(_ name: String, _ driver: String) -> (domain: String, name: String) {
        guard let slash = name.firstIndex(of: "/") else { return (driver, name) }
        return (String(name[..<slash]), String(name[name.index(after: slash)...]))
    }
}

/// The values of devices' attributes that only CEL's own functions make.
private enum DeviceValues {
    private static let environment = CELEnvironment(variables: ["text": .string])
    private static let quantityProgram = try? CELProgram("quantity(text)", in: environment)
    private static let versionProgram = try? CELProgram("semver(text)", in: environment)

    static func quantity(_ value: Value) -> CELValue? { make(quantityProgram, value) }
    static func version(_ value: Value) -> CELValue? { make(versionProgram, value) }

    private static func make(_ program: CELProgram?, _ value: Value) -> CELValue? {
        guard let text = value.string else { return nil }
        var budget = CELBudget()
        return try? program?.evaluate(["text": .string(text)], budget: &budget)
    }
}
