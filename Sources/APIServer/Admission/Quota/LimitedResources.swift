import API
import APIMachinery
import Support

/// What may be used only where a quota allows it: the `limitedResources` of a `ResourceQuotaConfiguration` of
/// `apiserver.config.k8s.io` (Kubernetes documentation, "Limit Priority Class consumption by default").
struct LimitedResources: Sendable {
    private struct Item: Sendable {
        var resource: String
        var group: String
        /// Parts of names of what is limited, such as `.storageclass.storage.k8s.io/requests.storage`.
        var parts: [String]
        var scopes: [QuotaScope]
    }

    private var items: [Item] = []

    /// Limits nothing.
    init() {}

    /// Reads the object.
    init(_ object: Value) throws(Fault) {
        for item in object["limitedResources"]?.array ?? [] {
            guard let resource = item["resource"]?.string, !resource.isEmpty else {
                throw Fault(
                    .invalid, "the configuration of ResourceQuota is not valid: a limited resource has no name",
                    remedy: "say `resource` for each of `limitedResources`")
            }
            items.append(
                Item(
                    resource: resource, group: item["apiGroup"]?.string ?? "",
                    parts: (item["matchContains"]?.array ?? []).compactMap(\.string),
                    scopes: (item["matchScopes"]?.array ?? []).map { QuotaScope(requirement: $0) }))
        }
    }

    /// What an object would use without a quota that covers it, although it must have one; `nil` when nothing.
    func refusal(
        of object: Value, _ resource: GroupVersionResource, under quotas: [QuotaRules]
    ) -> QuotaRefusal? {
        let items = items.filter { $0.resource == resource.resource && $0.group == resource.group }
        guard !items.isEmpty else { return nil }
        let usage = QuotaUsage.of(object, resource).filter { $0.value.sign > 0 }
        let limited = usage.keys.filter { name in items.contains { $0.parts.contains(where: name.contains) } }
        let covered = quotas.filter { $0.selects(object, resource) }.flatMap { $0.names(for: resource) }
        let uncovered = Set(limited).subtracting(covered)
        guard uncovered.isEmpty else { return .uncovered(names: Array(uncovered)) }
        let held = Set(quotas.flatMap(\.scopes).filter { $0.matches(object, resource) }.map(\.name))
        let scopes = items.flatMap(\.scopes).filter { $0.matches(object, resource) && !held.contains($0.name) }
        return scopes.isEmpty ? nil : .uncoveredScopes(scopes)
    }
}
