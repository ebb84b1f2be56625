import APIMachinery
import Client

/// One way in which a request may be made in another's name.
struct ImpersonationWay: Hashable, Sendable {
    /// What the sender must be allowed, all of it.
    var access: [AccessRequest]
    /// Whom the request is then taken for.
    var user: User
    /// What the way is limited by, for the audit log; empty for the way of old, which is not.
    var constraint = ""
}

extension Impersonation {
    /// The ways to ask for, narrow ones first: in a narrow one the sender needs a right for whom it wants to be taken for,
    /// `impersonate:MODE`, and another for what it wants to do as such, `impersonate-on:MODE:VERB` (KEP-5284). The last is
    /// the way of old, `impersonate` alone.
    func ways(for sender: User, doing info: RequestInfo) -> [ImpersonationWay] {
        constrained(sender, info) + [ImpersonationWay(access: access(for: sender), user: user)]
    }

    private static let group = "authentication.k8s.io"
    private static let nodeExtra = "authentication.kubernetes.io/node-name"

    private func constrained(_ sender: User, _ info: RequestInfo) -> [ImpersonationWay] {
        if wanted.name.hasPrefix(NodeAuthorizer.userPrefix) { return asNode(sender, info) }
        guard let account = User.account(named: wanted.name) else { return asUser(sender, info) }
        guard isNameAlone else { return [] }
        return [
            way("serviceaccount", sender, info, user) {
                [$0("serviceaccounts", account.namespace, account.name, nil)]
            }
        ]
    }

    /// Nodes and accounts have groups of their own, and none besides.
    private var isNameAlone: Bool { wanted.uid.isEmpty && wanted.groups.isEmpty && wanted.extra.isEmpty }

    private func asNode(_ sender: User, _ info: RequestInfo) -> [ImpersonationWay] {
        guard isNameAlone else { return [] }
        let node = String(wanted.name.dropFirst(NodeAuthorizer.userPrefix.count))
        var ways: [ImpersonationWay] = []
        // An account of a pod on that very node, by what its token says.
        if User.account(named: sender.name) != nil, sender.extra[Self.nodeExtra] == [node] {
            ways.append(way("associated-node", sender, info, .node(node)) { [$0("nodes", "", "*", nil)] })
        }
        ways.append(way("arbitrary-node", sender, info, .node(node)) { [$0("nodes", "", node, nil)] })
        return ways
    }

    private func asUser(_ sender: User, _ info: RequestInfo) -> [ImpersonationWay] {
        // Who may do everything is nobody whose rights could be narrowed.
        guard !wanted.groups.contains(User.masters) else { return [] }
        return [
            way("user-info", sender, info, user) { ask in
                var access = [ask("users", "", wanted.name, nil)]
                access += wanted.groups.map { ask("groups", "", $0, nil) }
                for (key, values) in wanted.extra.sorted(by: { $0.key < $1.key }) {
                    access += values.map { ask("userextras", "", $0, key) }
                }
                if !wanted.uid.isEmpty { access.append(ask("uids", "", wanted.uid, nil)) }
                return access
            }
        ]
    }

    private typealias Ask = (_ resource: String, _ namespace: String, _ name: String, _ subresource: String?) -> AccessRequest

    private func way(
        _ mode: String, _ sender: User, _ info: RequestInfo, _ user: User, _ identity: (Ask) -> [AccessRequest]
    ) -> ImpersonationWay {
        let verb = "impersonate:" + mode
        let asked = identity { resource, namespace, name, subresource in
            AccessRequest(
                user: sender, verb: verb,
                Target(
                    GroupVersionResource(group: Self.group, version: "v1", resource: resource), namespace: namespace,
                    name: name, subresource: subresource))
        }
        var action = AccessRequest(user: sender, info)
        action.verb = "impersonate-on:\(mode):\(action.verb)"
        return ImpersonationWay(access: [action] + asked, user: user, constraint: verb)
    }
}
