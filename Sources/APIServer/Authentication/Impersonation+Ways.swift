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
        if let node = User.node(named: wanted.name) { return asNode(node, sender, info) }
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

    private func asNode(_ node: String, _ sender: User, _ info: RequestInfo) -> [ImpersonationWay] {
        guard isNameAlone else { return [] }
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
        guard !wanted.groups.contains(User.masters), !wanted.groups.contains(""),
            wanted.extra.allSatisfy({ Self.isGoodExtra($0.key, $0.value) })
        else { return [] }
        // Where there are many, a right for all of them is asked for first.
        let hasManyGroups = wanted.groups.count >= Self.many
        let hasManyExtras = wanted.extra.values.reduce(0, { $0 + $1.count }) >= Self.many
        return [true, false].flatMap { allGroups in
            [true, false].compactMap { allExtras in
                guard !allGroups || hasManyGroups, !allExtras || hasManyExtras else { return nil }
                return asUser(sender, info, allGroups: allGroups, allExtras: allExtras)
            }
        }
    }

    private func asUser(_ sender: User, _ info: RequestInfo, allGroups: Bool, allExtras: Bool) -> ImpersonationWay {
        way("user-info", sender, info, user) { ask in
            var access = [ask("users", "", wanted.name, nil)]
            access += (allGroups ? ["*"] : wanted.groups).map { ask("groups", "", $0, nil) }
            let extras = allExtras ? ["*": ["*"]] : wanted.extra
            for (key, values) in extras.sorted(by: { $0.key < $1.key }) {
                access += values.map { ask("userextras", "", $0, key) }
            }
            if !wanted.uid.isEmpty { access.append(ask("uids", "", wanted.uid, nil)) }
            return access
        }
    }

    /// From how many on, as in Kubernetes.
    private static let many = 4

    /// Keys are `domain/path` in small letters, values say something.
    private static func isGoodExtra(_ key: String, _ values: [String]) -> Bool {
        let parts = key.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        return parts.count == 2 && NameRule.dns1123Subdomain.accepts(String(parts[0])) && !parts[1].isEmpty
            && parts[1].utf8.allSatisfy(isPathByte) && key == key.lowercased() && !values.contains("")
    }

    private static func isPathByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: "/-._~%!$&'()*+,;=:".utf8.contains(byte)
        }
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
