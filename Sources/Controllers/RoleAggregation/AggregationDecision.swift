import API
import APIMachinery

/// The rules of a ClusterRole that is put together from others (Kubernetes documentation, "Aggregated ClusterRoles").
///
/// Pure; its shell is ``RoleAggregator``.
struct AggregationDecision: Sendable {
    let role: ClusterRole
    /// For each selector of the role, in their order, the roles that it matches.
    let parts: [[ClusterRole]]

    /// The role with the rules of its parts, each rule once: selector by selector, within one by the roles' names.
    var wanted: ClusterRole {
        var rules: [PolicyRule] = []
        var known: Set<PolicyRule> = []
        for matched in parts {
            for part in matched.sorted(by: { $0.metadata.name < $1.metadata.name })
            where part.metadata.name != role.metadata.name {
                rules += part.rules.filter { known.insert($0).inserted }
            }
        }
        var wanted = role
        if role.rules != rules { wanted.rules = rules }
        return wanted
    }
}
