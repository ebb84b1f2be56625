import APIMachinery
import Client
import Wire

/// Whom a request wants to be taken for: the headers `Impersonate-User`, `-Group`, `-Uid` and `-Extra-KEY` (Kubernetes
/// documentation, "User impersonation"). Pure.
struct Impersonation: Hashable, Sendable {
    /// How the names of all headers about it begin, in lower case.
    static let headerPrefix = "impersonate-"

    private static let extraPrefix = headerPrefix + "extra-"
    private static let authentication = (group: "authentication.k8s.io", version: "v1")

    /// What the headers say, and no more.
    let wanted: User

    /// `nil` when the request has no such header; 400 when there is something to add but nobody to add it to.
    init?(_ headers: HTTPHeaders) throws(Status) {
        guard headers.containsName(startingWith: Self.headerPrefix) else { return nil }
        var wanted = User(
            name: headers["Impersonate-User"] ?? "", uid: headers["Impersonate-Uid"] ?? "",
            groups: headers.values(of: "Impersonate-Group"))
        for (name, value) in headers {
            let name = name.lowercased()
            guard name.hasPrefix(Self.extraPrefix) else { continue }
            let key = name.dropFirst(Self.extraPrefix.count)
            // What is no good escape is taken as it stands.
            wanted.extra[PercentEncoding.decode(key) ?? String(key), default: []].append(value)
        }
        guard !wanted.name.isEmpty else {
            guard wanted == User(name: "") else {
                let asked = headers.map(\.name).filter { $0.lowercased().hasPrefix(Self.headerPrefix) }
                throw .badRequest("requested \(asked) without impersonating a user name")
            }
            return nil
        }
        self.wanted = wanted
    }

    /// What `requester` must be allowed, all of it, to be taken for the user.
    func access(for requester: User) -> [AccessRequest] {
        func access(
            _ resource: String, of kind: (group: String, version: String) = ("", "v1"), namespace: String = "",
            _ name: String, subresource: String? = nil
        ) -> AccessRequest {
            let resource = GroupVersionResource(group: kind.group, version: kind.version, resource: resource)
            return AccessRequest(
                user: requester, verb: "impersonate",
                Target(resource, namespace: namespace, name: name, subresource: subresource))
        }
        let account = User.account(named: wanted.name)
        var all = [
            account.map { access("serviceaccounts", namespace: $0.namespace, $0.name) }
                ?? access("users", wanted.name)
        ]
        all += wanted.groups.map { access("groups", $0) }
        for (key, values) in wanted.extra.sorted(by: { $0.key < $1.key }) {
            all += values.map { access("userextras", of: Self.authentication, $0, subresource: key) }
        }
        if !wanted.uid.isEmpty { all.append(access("uids", of: Self.authentication, wanted.uid)) }
        return all
    }

    /// Whom the request is then taken for.
    var user: User {
        var user = wanted
        if user.groups.isEmpty, let account = User.account(named: wanted.name) {
            user.groups = User.serviceAccount(namespace: account.namespace, name: account.name).groups
        }
        if user.name == User.anonymous {
            if !user.groups.contains(User.unauthenticatedGroup) { user.groups.append(User.unauthenticatedGroup) }
        } else if !user.groups.contains(where: [User.authenticatedGroup, User.unauthenticatedGroup].contains) {
            user.groups.append(User.authenticatedGroup)
        }
        return user
    }
}
