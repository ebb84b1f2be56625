import API
import APIMachinery
import Client
import Support

/// Who may do what: masters, then whoever the configuration names; as in k3s, nodes and then roles. Put together over the
/// server's own objects.
final class AccessControl: Sendable {
    let rbac: RBACAuthorizer
    private let nodes: NodeAuthorizer
    private let now: @Sendable () -> Timestamp
    private let live: LiveAuthorizer
    private let ownModes: Set<String>

    var authorizer: any Authorizer { live }

    /// Fails when what a webhook is reached by cannot be used.
    init(
        _ objects: (GroupVersionResource) -> any ObjectSet, _ configuration: AuthorizationConfiguration,
        now: @escaping @Sendable () -> Timestamp
    ) throws(Fault) {
        rbac = RBACAuthorizer(
            roles: objects(.roles), clusterRoles: objects(.clusterRoles), roleBindings: objects(.roleBindings),
            clusterRoleBindings: objects(.clusterRoleBindings))
        nodes = NodeAuthorizer(
            role: BuiltinTypes.rbacObjects().first { $0.at("metadata", "name") == "system:node" } ?? .emptyObject,
            objects: NodeAuthorizer.Objects(
                pods: objects(.pods), claims: objects(.persistentVolumeClaims), volumes: objects(.persistentVolumes),
                attachments: objects(.volumeAttachments), slices: objects(.resourceSlices)))
        self.now = now
        ownModes = configuration.ownModes
        live = LiveAuthorizer(try Self.chain(configuration, nodes, rbac, now))
    }

    /// Goes on with another configuration. Webhooks may come, go and change, and all may change places; whether nodes and
    /// roles count may not change, as in Kubernetes.
    func replace(_ configuration: AuthorizationConfiguration) throws(Fault) {
        guard configuration.ownModes == ownModes else {
            throw Fault(
                .invalid, "the authorizers \(ownModes.sorted()) cannot become \(configuration.ownModes.sorted())",
                remedy: "restart the server, or let webhooks alone come and go")
        }
        live.replace(try Self.chain(configuration, nodes, rbac, now))
    }

    private static func chain(
        _ configuration: AuthorizationConfiguration, _ nodes: NodeAuthorizer, _ rbac: RBACAuthorizer,
        _ now: @escaping @Sendable () -> Timestamp
    ) throws(Fault) -> AuthorizerChain {
        var chain = AuthorizerChain(authorizers: [MastersAuthorizer()])
        for mode in configuration.modes {
            switch mode {
            case .node: chain.authorizers.append(nodes)
            case .rbac: chain.authorizers.append(rbac)
            case .everyone: chain.authorizers.append(EveryoneAuthorizer())
            case .nobody: chain.authorizers.append(NobodyAuthorizer())
            case .webhook(_, let webhook): chain.authorizers.append(try WebhookAuthorizer(webhook, now: now))
            }
        }
        return chain
    }
}
