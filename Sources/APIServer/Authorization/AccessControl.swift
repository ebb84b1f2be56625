import API
import APIMachinery
import Client

/// Who may do what: masters, then nodes, then roles. Put together once, over the server's own objects.
struct AccessControl: Sendable {
    let rbac: RBACAuthorizer
    let authorizer: any Authorizer

    init(_ objects: (GroupVersionResource) -> any ObjectSet) {
        rbac = RBACAuthorizer(
            roles: objects(.roles), clusterRoles: objects(.clusterRoles), roleBindings: objects(.roleBindings),
            clusterRoleBindings: objects(.clusterRoleBindings))
        let nodes = NodeAuthorizer(
            role: BuiltinTypes.rbacObjects().first { $0.at("metadata", "name") == "system:node" } ?? .emptyObject,
            objects: NodeAuthorizer.Objects(
                pods: objects(.pods), claims: objects(.persistentVolumeClaims), volumes: objects(.persistentVolumes),
                attachments: objects(.volumeAttachments), slices: objects(.resourceSlices)))
        authorizer = AuthorizerChain(authorizers: [MastersAuthorizer(), nodes, rbac])
    }
}
