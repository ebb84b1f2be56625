import API
import APIMachinery
import Client

/// What the user of a node may do: what the role `system:node` says, and of secrets, configuration, volumes, tokens
/// and leases only those that its own pods and itself need.
///
/// Kubernetes documentation, "Using Node Authorization". A node is a user `system:node:NAME` in the group
/// `system:nodes`.
struct NodeAuthorizer: Authorizer {
    private let rules: [RBACRule]
    private let onNode: NodePods
    private let pods: any ObjectSet
    private let volumes: any ObjectSet
    private let attachments: any ObjectSet

    static let group = "system:nodes"
    static let userPrefix = "system:node:"

    /// `role` is the ClusterRole `system:node`.
    init(role: Value, pods: any ObjectSet, volumes: any ObjectSet, attachments: any ObjectSet) {
        rules = (role["rules"]?.array ?? []).map(RBACRule.init)
        onNode = NodePods(pods)
        self.pods = pods
        self.volumes = volumes
        self.attachments = attachments
    }

    func decide(_ request: AccessRequest) -> AccessDecision {
        guard request.user.groups.contains(Self.group), request.user.name.hasPrefix(Self.userPrefix) else {
            return .noOpinion(reason: "")
        }
        let node = String(request.user.name.dropFirst(Self.userPrefix.count))
        guard rules.contains(where: { $0.allows(request) }) else { return .noOpinion(reason: "") }
        guard concerns(node, request) else {
            return .noOpinion(
                reason: "no relationship found between node '\(node)' and this object")
        }
        return .allow(reason: "")
    }

    /// Whether the object of the request is one that the node has to do with.
    private func concerns(_ node: String, _ request: AccessRequest) -> Bool {
        switch (request.group, request.resource) {
        case ("", "secrets"), ("", "configmaps"), ("", "persistentvolumeclaims"), ("", "serviceaccounts"),
            ("resource.k8s.io", "resourceclaims"):
            return isReferred(request.resource, ObjectName(namespace: request.namespace, name: request.name), node)
        case ("", "persistentvolumes"):
            guard let claim = volumes.get(ObjectName(name: request.name))?.value.at("spec", "claimRef") else { return false }
            let name = ObjectName(namespace: claim["namespace"]?.string ?? "", name: claim["name"]?.string ?? "")
            return isReferred("persistentvolumeclaims", name, node)
        case ("storage.k8s.io", "volumeattachments"):
            let attachment = attachments.get(ObjectName(name: request.name))
            return attachment?.field("spec.nodeName") == node
        case ("coordination.k8s.io", "leases"):
            return request.namespace == "kube-node-lease" && (request.name == node || request.verb == "create")
        case ("storage.k8s.io", "csinodes"):
            return request.name == node || request.verb == "create"
        default: return true
        }
    }

    private func isReferred(_ resource: String, _ name: ObjectName, _ node: String) -> Bool {
        guard !name.name.isEmpty else { return false }
        return onNode.names(on: node).contains { pod in
            guard pod.namespace == name.namespace, let object = pods.get(pod) else { return false }
            return PodReferences.contain(resource, name.name, Pod(object))
        }
    }
}
