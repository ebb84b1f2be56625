public import APIMachinery

/// What one `LimitRange` makes of the pods and claims of its namespace: it completes containers, and says what is too
/// small or too big (Kubernetes documentation, "Limit Ranges").
public struct LimitRangeRules: Sendable {
    private struct Item {
        let type: String
        let minimum, maximum, ratio, limits, requests: [String: Quantity]

        init(_ item: Value) {
            type = item["type"]?.string ?? ""
            minimum = [String: Quantity](item["min"])
            maximum = [String: Quantity](item["max"])
            ratio = [String: Quantity](item["maxLimitRequestRatio"])
            limits = [String: Quantity](item["default"])
            requests = [String: Quantity](item["defaultRequest"])
        }
    }

    /// Says what a pod was given.
    public static let annotation = "kubernetes.io/limit-ranger"

    private let items: [Item]

    /// Reads a `LimitRange` object.
    public init(_ object: Value) { items = (object.at("spec", "limits")?.array ?? []).map(Item.init) }

    // MARK: Completing

    /// Gives the containers the limits and requests that they lack. What it gave is written on the pod.
    public func complete(_ pod: inout Value) {
        let own = items.filter { $0.type == "Container" }
        guard !own.isEmpty else { return }
        // Of several items the last one counts.
        let limits = own.reduce(into: [:]) { $0.merge($1.limits) { $1 } }
        let requests = own.reduce(into: [:]) { $0.merge($1.requests) { $1 } }
        var given: [String] = []
        for (list, title) in [("containers", "container"), ("initContainers", "init container")] {
            guard var containers = pod.at("spec", list)?.array else { continue }
            for index in containers.indices {
                let name = "\(title) \(containers[index]["name"]?.string ?? "")"
                for (kind, amounts) in [("request", requests), ("limit", limits)] {
                    let new = Self.fill(&containers[index], kind + "s", amounts)
                    if !new.isEmpty { given.append("\(new.joined(separator: ", ")) \(kind) for \(name)") }
                }
            }
            pod[path: ["spec", list]] = .array(containers)
        }
        guard !given.isEmpty else { return }
        let note = "LimitRanger plugin set: " + given.joined(separator: "; ")
        pod[path: ["metadata", "annotations", Self.annotation]] = .string(note)
    }

    /// Sets what is missing, and returns the names of it in order.
    private static func fill(_ container: inout Value, _ list: String, _ amounts: [String: Quantity]) -> [String] {
        let present = container.at("resources", list)
        let missing = amounts.keys.filter { present?[$0] == nil }.sorted()
        for name in missing { container[path: ["resources", list, name]] = amounts[name]?.json }
        return missing
    }

    // MARK: Judging

    /// What is wrong with a pod, each in a sentence of Kubernetes'. Empty when it keeps within the range.
    public func violations(pod: Value) -> [String] {
        var found: [String] = []
        for item in items {
            switch item.type {
            case "Container":
                let lists = ["containers", "initContainers"].flatMap { pod.at("spec", $0)?.array ?? [] }
                for container in lists {
                    found += Self.violations(
                        item, [String: Quantity](container.at("resources", "requests")),
                        [String: Quantity](container.at("resources", "limits")))
                }
            case "Pod":
                let options = PodResources.Options(countsOverhead: false)
                found += Self.violations(
                    item, PodResources.requests(of: pod, options), PodResources.limits(of: pod, options))
            default: break
            }
        }
        return found.uniqued
    }

    /// What is wrong with a claim's request for storage.
    public func violations(claim: Value) -> [String] {
        let requests = [String: Quantity](claim.at("spec", "resources", "requests"))
        var found: [String] = []
        for item in items where item.type == "PersistentVolumeClaim" {
            for (name, least) in item.minimum.sorted(by: { $0.key < $1.key }) {
                found += Self.belowMinimum(item.type, name, least, requests[name], nil)
            }
            for (name, most) in item.maximum.sorted(by: { $0.key < $1.key }) {
                let start = "maximum \(name) usage per \(item.type) is \(most)"
                guard let request = requests[name] else {
                    found.append(start + ".  No request is specified")
                    continue
                }
                if request > most { found.append(start + ", but request is \(request)") }
            }
        }
        return found.uniqued
    }

    private static func violations(
        _ item: Item, _ requests: [String: Quantity], _ limits: [String: Quantity]
    ) -> [String] {
        var found: [String] = []
        for (name, least) in item.minimum.sorted(by: { $0.key < $1.key }) {
            found += belowMinimum(item.type, name, least, requests[name], limits[name])
        }
        for (name, most) in item.maximum.sorted(by: { $0.key < $1.key }) {
            let start = "maximum \(name) usage per \(item.type) is \(most)"
            if let limit = limits[name] {
                if limit > most {
                    found.append(start + ", but limit is \(limit)")
                } else if let request = requests[name], request > most {
                    found.append(start + ", but request is \(request)")
                }
            } else {
                found.append(start + ".  No limit is specified")
            }
        }
        for (name, ratio) in item.ratio.sorted(by: { $0.key < $1.key }) {
            found += aboveRatio(item.type, name, ratio, requests[name], limits[name])
        }
        return found
    }

    private static func belowMinimum(
        _ type: String, _ name: String, _ least: Quantity, _ request: Quantity?, _ limit: Quantity?
    ) -> [String] {
        let start = "minimum \(name) usage per \(type) is \(least)"
        guard let request else { return [start + ".  No request is specified"] }
        if request < least { return [start + ", but request is \(request)"] }
        if let limit, limit < least { return [start + ", but limit is \(limit)"] }
        return []
    }

    private static func aboveRatio(
        _ type: String, _ name: String, _ most: Quantity, _ request: Quantity?, _ limit: Quantity?
    ) -> [String] {
        let start = "\(name) max limit to request ratio per \(type) is \(most)"
        guard let request, !request.isZero else {
            return [start + ", but no request is specified or request is 0"]
        }
        guard let limit, !limit.isZero else { return [start + ", but no limit is specified or limit is 0"] }
        let ratio = limit.double / request.double
        return ratio > most.double ? [start + ", but provided ratio is \(GoText.fixed(ratio))"] : []
    }
}

extension [String] {
    /// Each text once, the first of equal ones.
    fileprivate var uniqued: [String] {
        var seen: Set<String> = []
        return filter { seen.insert($0).inserted }
    }
}
