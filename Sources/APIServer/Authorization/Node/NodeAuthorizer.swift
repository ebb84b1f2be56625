import API
import APIMachinery
import Client

/// What the user of a node may do: what the role `system:node` says, and of secrets, configuration, volumes, claims,
/// tokens, leases, pods and nodes only what its own pods and itself need.
///
/// Kubernetes documentation, "Using Node Authorization". A node is a user `system:node:NAME` in the group
/// `system:nodes`. What a node may write into objects that it may write is judged by admission (`NodeRestriction`).
struct NodeAuthorizer: Authorizer {
    /// What nodes are judged by. Read at each decision, so that a change counts from the moment it is committed.
    struct Objects: Sendable {
        let pods: any ObjectSet
        let claims: any ObjectSet
        let volumes: any ObjectSet
        let attachments: any ObjectSet
        let slices: any ObjectSet
    }

    let objects: Objects
    let onNode: NodePods
    private let rules: [RBACRule]

    static let group = "system:nodes"
    static let userPrefix = "system:node:"

    /// `role` is the ClusterRole `system:node`.
    init(role: Value, objects: Objects) {
        rules = (role["rules"]?.array ?? []).map(RBACRule.init)
        onNode = NodePods(objects.pods)
        self.objects = objects
    }

    private static func isNode(_ user: User) -> Bool {
        user.groups.contains(group) && user.name.hasPrefix(userPrefix)
    }

    func decide(_ request: AccessRequest) -> AccessDecision {
        guard Self.isNode(request.user) else { return .noOpinion(reason: "") }
        let node = String(request.user.name.dropFirst(Self.userPrefix.count))
        guard !node.isEmpty else {
            return .noOpinion(reason: "unknown node for user \(GoText.quoted(request.user.name))")
        }
        if request.isResourceRequest, let verdict = judge(node, request) {
            return verdict.why.map { .noOpinion(reason: $0) } ?? .allow(reason: "")
        }
        return rules.contains { $0.allows(request) } ? .allow(reason: "") : .noOpinion(reason: "")
    }

    func listRules(for user: User, in namespace: String) -> AccessRules {
        guard Self.isNode(user) else { return AccessRules() }
        return AccessRules(
            isIncomplete: true, problems: ["node authorizer does not support user rule resolution"])
    }

    /// Whether a node may do what it asks for, and if not, why.
    struct Verdict {
        /// `nil` when it may.
        var why: String?

        static let allowed = Verdict(why: nil)
        static func refused(_ why: String) -> Verdict { Verdict(why: why) }
    }

    /// `nil` for resources that all nodes are alike to: the role decides.
    private func judge(_ node: String, _ request: AccessRequest) -> Verdict? {
        switch (request.group, request.resource) {
        case ("", "secrets"), ("", "configmaps"): reading(node, request)
        case ("", "persistentvolumeclaims"):
            request.subresource == "status" ? claimStatus(node, request) : claim(node, request)
        case ("", "persistentvolumes"), ("resource.k8s.io", "resourceclaims"), ("storage.k8s.io", "volumeattachments"):
            getting(node, request)
        case ("", "serviceaccounts"): accountToken(node, request)
        case ("", "nodes"): ownNode(node, request)
        case ("", "pods"): ownPods(node, request)
        case ("coordination.k8s.io", "leases"): lease(node, request)
        case ("storage.k8s.io", "csinodes"): storageNode(node, request)
        case ("resource.k8s.io", "resourceslices"): slice(node, request)
        default: nil
        }
    }
}
