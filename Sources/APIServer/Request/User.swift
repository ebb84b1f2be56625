import APIMachinery

/// Who asks: what authentication found out, and what authorisation decides by.
public struct User: Hashable, Sendable {
    public var name: String
    public var uid: String
    public var groups: [String]
    /// Further facts by name, as the API's `UserInfo.extra`.
    public var extra: [String: [String]]

    public init(name: String, uid: String = "", groups: [String] = [], extra: [String: [String]] = [:]) {
        self.name = name
        self.uid = uid
        self.groups = groups
        self.extra = extra
    }

    /// The group whose members may do everything; RBAC's bootstrap binds it to `cluster-admin`.
    public static let masters = "system:masters"
    public static let authenticatedGroup = "system:authenticated"
    public static let unauthenticatedGroup = "system:unauthenticated"
    static let anonymous = "system:anonymous"

    /// The server's own hand, for work that no user asked for.
    public static let apiServer = User(name: "system:apiserver", groups: [masters, authenticatedGroup])

    /// May list and watch everything: controllers share what it observes, and write in their own names.
    public static let controllerManager = User(name: "system:kube-controller-manager", groups: [authenticatedGroup])
    public static let scheduler = User(name: "system:kube-scheduler", groups: [authenticatedGroup])

    /// The user of a node's kubelet.
    public static func node(_ name: String) -> User {
        User(name: NodeAuthorizer.userPrefix + name, groups: [NodeAuthorizer.group, authenticatedGroup])
    }

    private static let accountPrefix = "system:serviceaccount:"

    /// The node that a user of this name is, if its groups say so too; `nil` when no node can have such a name.
    static func node(named name: String) -> String? {
        guard name.hasPrefix(NodeAuthorizer.userPrefix) else { return nil }
        let node = String(name.dropFirst(NodeAuthorizer.userPrefix.count))
        return NameRule.dns1123Subdomain.accepts(node) ? node : nil
    }

    /// The service account that a user of this name is; `nil` when it is none, or no account can have such a name.
    static func account(named name: String) -> (namespace: String, name: String)? {
        guard name.hasPrefix(accountPrefix) else { return nil }
        let parts = name.dropFirst(accountPrefix.count).split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2 else { return nil }
        let (namespace, account) = (String(parts[0]), String(parts[1]))
        guard NameRule.dns1123Label.accepts(namespace), NameRule.dns1123Subdomain.accepts(account) else { return nil }
        return (namespace, account)
    }

    /// The user that a pod's or controller's token stands for.
    public static func serviceAccount(namespace: String, name: String, uid: String = "") -> User {
        User(
            name: accountPrefix + namespace + ":" + name, uid: uid,
            groups: ["system:serviceaccounts", "system:serviceaccounts:" + namespace, authenticatedGroup])
    }
}
