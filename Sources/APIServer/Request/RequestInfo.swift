import APIMachinery

/// What an HTTP request asks for, read from its method, path and query alone.
///
/// The shape of API paths is part of the API (API conventions, "Resources", "Verbs on Resources"):
/// `/api/v1/namespaces/NS/pods/NAME/SUBRESOURCE`, `/apis/GROUP/VERSION/...`. Everything else is a plain path.
struct RequestInfo: Hashable, Sendable {
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`; for plain paths the method in
    /// lower case.
    var verb: String
    var path: String
    /// `nil` for plain paths.
    var resource: GroupVersionResource?
    var namespace = ""
    var name = ""
    var subresource = ""
    /// The part of a proxy request behind the subresource, without the leading slash.
    var rest = ""
    /// What a verb on a collection is narrowed to.
    var selectors = AccessSelectors.none

    var isResourceRequest: Bool { resource != nil }
}

extension RequestInfo {
    /// Resources of the core group that have subresources although `namespaces` stands before them in the path.
    private static let namespaceSubresources: Set<String> = ["status", "finalize"]

    /// `isWatch` and `fieldName` come from the query: `watch=true`, and `metadata.name=X` in `fieldSelector`.
    init(method: String, path: String, isWatch: Bool, fieldName: String? = nil) {
        self.init(verb: method.lowercased(), path: path)
        var parts = path.split(separator: "/").map(String.init)[...]
        guard let group = Self.takeGroupVersion(&parts) else { return }
        // The deprecated form /watch/... of a watch.
        let isWatchPath = parts.first == "watch"
        if isWatchPath { parts.removeFirst() }
        guard !parts.isEmpty else { return }
        if parts.first == "namespaces", parts.count > 1 {
            namespace = parts[parts.startIndex + 1]
            let next = parts.dropFirst(2).first
            // `namespaces/NAME` and its own subresources are about the namespace itself.
            if let next, !Self.namespaceSubresources.contains(next) { parts.removeFirst(2) }
        }
        let resourceName = parts.removeFirst()
        resource = GroupVersionResource(group: group.group, version: group.version, resource: resourceName)
        if let name = parts.popFirst() { self.name = name }
        if let subresource = parts.popFirst() { self.subresource = subresource }
        rest = parts.joined(separator: "/")
        if resourceName == "namespaces" { namespace = name }
        // Only a collection is watched; the query of a request for one object may say what it likes.
        verb = Self.verb(method, isCollection: name.isEmpty, isWatch: isWatchPath || (isWatch && name.isEmpty))
        // Deleting a collection cannot be allowed for one name (Kubernetes documentation, "Referring to resources").
        if name.isEmpty, let fieldName, verb == "list" || verb == "watch" {
            name = fieldName
        }
    }

    private static func takeGroupVersion(_ parts: inout ArraySlice<String>) -> (group: String, version: String)? {
        switch parts.first {
        case "api" where parts.count > 2:
            defer { parts.removeFirst(2) }
            return ("", parts[parts.startIndex + 1])
        case "apis" where parts.count > 3:
            defer { parts.removeFirst(3) }
            return (parts[parts.startIndex + 1], parts[parts.startIndex + 2])
        default: return nil
        }
    }

    private static func verb(_ method: String, isCollection: Bool, isWatch: Bool) -> String {
        switch method {
        case "GET", "HEAD": isWatch ? "watch" : isCollection ? "list" : "get"
        case "POST": "create"
        case "PUT": "update"
        case "PATCH": "patch"
        case "DELETE": isCollection ? "deletecollection" : "delete"
        default: method.lowercased()
        }
    }
}
