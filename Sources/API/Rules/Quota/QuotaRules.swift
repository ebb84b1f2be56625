public import APIMachinery

/// What one `ResourceQuota` says: how much of what, for which objects.
public struct QuotaRules: Hashable, Sendable {
    public let name: String
    public let hard: [String: Quantity]
    /// All of them must hold for an object to count.
    public let scopes: [QuotaScope]
    /// The extended resources that classes of devices stand for, by the class, as far as they are limited: what claims ask
    /// of such a class counts as well (KEP-5004).
    public let extended: [String: String]

    /// Reads a `ResourceQuota`; `extended` is what classes of devices stand for.
    public init(_ quota: Value, extended: [String: String] = [:]) {
        let limited = quota.at("spec", "hard")
        self.extended = extended.filter { limited?["requests." + $0.value] != nil }
        name = quota.at("metadata", "name")?.string ?? ""
        hard = [String: Quantity](quota.at("spec", "hard"))
        let plain = (quota.at("spec", "scopes")?.array ?? []).compactMap(\.string).map { QuotaScope($0) }
        let selected = quota.at("spec", "scopeSelector", "matchExpressions")?.array ?? []
        scopes = plain + selected.map { QuotaScope(requirement: $0) }
    }

    /// The limited names that objects of a resource use up.
    public func names(for resource: GroupVersionResource) -> Set<String> {
        let isMeasured = QuotaNames.measured.contains(resource)
        return Set(
            hard.keys.filter { name in
                switch QuotaNames.source(of: name) {
                case .measured: QuotaNames.isUsed(name, by: resource)
                case .count(let counted, let group):
                    !isMeasured && counted == resource.resource && group == resource.group
                case nil: false
                }
            })
    }

    /// Whether the quota counts an object, by its scopes.
    public func selects(_ object: Value, _ resource: GroupVersionResource) -> Bool {
        scopes.allSatisfy { $0.matches(object, resource) }
    }

    /// What an object uses of what is limited; empty for one that is not counted.
    public func usage(of object: Value, _ resource: GroupVersionResource) -> QuotaUsage.Amounts {
        guard selects(object, resource) else { return [:] }
        return QuotaUsage.of(object, resource, extended: extended).filter { hard[$0.key] != nil }
    }
}

/// What each container must say where compute resources are limited: otherwise one that says nothing would use them for
/// nothing (Kubernetes documentation, "Resource Quotas").
public enum QuotaDemands {
    private static let demanded: Set<String> = [
        "cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory",
    ]

    /// The complaint about a pod under a quota on `names`; `nil` when it says all that it must.
    public static func complaint(about pod: Value, limited names: Set<String>) -> String? {
        let wanted = names.intersection(demanded)
        guard !wanted.isEmpty else { return nil }
        // Whoever says it for the pod as a whole need not say it for each container (KEP-2837).
        let whole = pod.at("spec", "resources")
        guard whole?["requests"]?.fields?.isEmpty != false, whole?["limits"]?.fields?.isEmpty != false else { return nil }
        var missing: [String: Set<String>] = [:]
        for container in ["containers", "initContainers"].flatMap({ pod.at("spec", $0)?.array ?? [] }) {
            let said = QuotaUsage.names(
                requests: [String: Quantity](container.at("resources", "requests")),
                limits: [String: Quantity](container.at("resources", "limits")))
            for name in wanted where said[name] == nil {
                missing[name, default: []].insert(container["name"]?.string ?? "")
            }
        }
        guard !missing.isEmpty else { return nil }
        let parts = missing.sorted { $0.key < $1.key }.map { "\($0) for: \($1.sorted().joined(separator: ","))" }
        return "must specify " + parts.joined(separator: "; ")
    }
}
