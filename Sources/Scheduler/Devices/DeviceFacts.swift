import APIMachinery
import CEL

/// A device that a driver offers (`ResourceSlice.spec.devices`, KEP-4381).
struct DeviceFacts: Sendable {
    struct ID: Hashable, Sendable {
        var driver: String
        var pool: String
        var device: String
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
    /// As selectors see it.
    var object: CELValue

    func isReached(from node: NodeFacts) -> Bool {
        switch place {
        case .node(let name): name == node.name
        case .nodes(let selector, _): selector.matches(labels: node.labels, name: node.name)
        case .everywhere: true
        }
    }

    /// Reads a device of a slice; `nil` for one that is on no node, or that needs what this scheduler does not count.
    init?(_ device: Value, of spec: Value) {
        let driver = spec["driver"]?.string ?? ""
        id = ID(
            driver: driver, pool: spec.at("pool", "name")?.string ?? "", device: device["name"]?.string ?? "")
        // Parts of devices share counters: without counting those they could be given twice.
        guard device["consumesCounters"] == nil, device["bindingConditions"] == nil else { return nil }
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
        attributes = [:]
        var (known, amounts): ([String: [String: CELValue]], [String: [String: CELValue]]) = ([:], [:])
        for (name, attribute) in device["attributes"]?.fields ?? Fields() {
            guard let (kind, value) = attribute.fields?.first.map({ ($0.key, $0.value) }) else { continue }
            let (domain, own) = Self.parted(name, driver)
            attributes[domain + "/" + own] = value
            known[domain, default: [:]][own] = kind == "version" ? DeviceValues.version(value) : CELValue(value)
        }
        for (name, capacity) in device["capacity"]?.fields ?? Fields() {
            let (domain, own) = Self.parted(name, driver)
            amounts[domain, default: [:]][own] = capacity["value"].flatMap(DeviceValues.quantity)
        }
        func map(_ domains: [String: [String: CELValue]]) -> CELValue {
            .map(CELMap(domains.mapValues { CELValue.map(CELMap($0)) }))
        }
        object = .object(
            CELObject(
                "kubernetes.DRADevice",
                fields: [
                    ("driver", .string(driver)), ("attributes", map(known)), ("capacity", map(amounts)),
                    ("allowMultipleAllocations", .bool(device["allowMultipleAllocations"]?.bool ?? false)),
                ]))
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
