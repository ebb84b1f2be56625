import API
public import APIMachinery
import Client

/// Gives each ClusterRole with an `aggregationRule` the rules of the roles that its selectors match. `admin`, `edit` and
/// `view` are made so: an operator adds to them by a label on a role of its own.
public struct RoleAggregator: Controller {
    public let name = "clusterrole-aggregation-controller"

    public init() {}

    public func run(_ context: ControllerContext) async throws(Status) {
        let roles = try await context.client.observe(ClusterRole.self)
        // What cannot be read selects nothing; the pass over its role says so.
        let index = SelectorIndex { role in (try? Self.selectors(ClusterRole(role))) ?? [] }
        let changed = ReconcileLoop<ObjectName>.Source(roles) { change in
            index.take(change)
            return Array(index.names(selecting: change).union([change.name]))
        }
        await ReconcileLoop<ObjectName>(context).run([changed]) { name throws(Status) in
            guard let role = roles.get(ClusterRole.self, name), role.aggregationRule != nil else { return nil }
            let all = roles.list(namespace: nil)
            let parts = try Self.selectors(role).map { selector in
                all.filter { selector.matches($0.labels) }.map { ClusterRole($0) }
            }
            let wanted = AggregationDecision(role: role, parts: parts).wanted
            if wanted != role { try await context.client.update(wanted) }
            return nil
        }
    }

    private static func selectors(_ role: ClusterRole) throws(Status) -> [LabelSelector] {
        var selectors: [LabelSelector] = []
        for selector in role.aggregationRule?.clusterRoleSelectors ?? [] {
            selectors.append(try LabelSelector.of(selector))
        }
        return selectors
    }
}
