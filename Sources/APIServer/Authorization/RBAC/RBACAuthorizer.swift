import APIMachinery
import Client
import Synchronization

/// Role-based access control over the roles and bindings in the cache. Changes count from the moment they are committed.
final class RBACAuthorizer: Authorizer {
    private let policy = Mutex(RBACPolicy())
    private let observations = Mutex<[any Observation]>([])

    /// Follows the four resources.
    init(
        roles: any ObjectSet, clusterRoles: any ObjectSet, roleBindings: any ObjectSet,
        clusterRoleBindings: any ObjectSet
    ) {
        var observations: [any Observation] = []
        for set in [roles, clusterRoles] {
            observations.append(
                set.observe { change in self.change { $0.setRole(change.name, change.new?.value) } })
        }
        for set in [roleBindings, clusterRoleBindings] {
            observations.append(
                set.observe { change in self.change { $0.setBinding(change.name, change.new?.value) } })
        }
        self.observations.withLock { $0 = observations }
    }

    func decide(_ request: AccessRequest) -> AccessDecision { policy.withLock { $0.decide(request) } }

    /// What a user may do in a namespace; beyond all namespaces when it is empty.
    func rules(for user: User, in namespace: String) -> [RBACRule] {
        policy.withLock { $0.rules(for: user, in: namespace) }
    }

    func listRules(for user: User, in namespace: String) -> AccessRules {
        policy.withLock { policy in
            AccessRules(
                rules: policy.rules(for: user, in: namespace), problems: policy.missingRoles(for: user, in: namespace))
        }
    }

    /// What a role allows; `nil` when there is none of this name. ClusterRoles have no namespace.
    func rules(of role: ObjectName) -> [RBACRule]? { policy.withLock { $0.rules(of: role) } }

    private func change(_ body: (inout RBACPolicy) -> Void) { policy.withLock { body(&$0) } }
}
