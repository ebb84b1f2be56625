/// A kind of object in a version of a group, as `apiVersion` and `kind` name it.
public struct GroupVersionKind: Hashable, Sendable, CustomStringConvertible {
    public var group: String
    public var version: String
    public var kind: String

    public init(group: String, version: String, kind: String) {
        self.group = group
        self.version = version
        self.kind = kind
    }

    /// Reads the two fields of a manifest. `apiVersion` is `v1` for the core group, else `group/version`.
    public init(apiVersion: String, kind: String) {
        (group, version) = splitAPIVersion(apiVersion)
        self.kind = kind
    }

    public var apiVersion: String { group.isEmpty ? version : group + "/" + version }

    public var description: String { "\(apiVersion), Kind=\(kind)" }
}

/// A served collection of objects, as a URL names it.
public struct GroupVersionResource: Hashable, Sendable, CustomStringConvertible {
    public var group: String
    public var version: String
    /// The plural, lower-case name: `pods`.
    public var resource: String

    public init(group: String, version: String, resource: String) {
        self.group = group
        self.version = version
        self.resource = resource
    }

    public init(apiVersion: String, resource: String) {
        (group, version) = splitAPIVersion(apiVersion)
        self.resource = resource
    }

    public var apiVersion: String { group.isEmpty ? version : group + "/" + version }

    /// `pods` or `deployments.apps`, as messages and RBAC name it.
    public var groupResource: String { group.isEmpty ? resource : resource + "." + group }

    /// `/api/v1` or `/apis/apps/v1`.
    public var apiPath: String { (group.isEmpty ? "/api/" : "/apis/") + apiVersion }

    public var description: String { "\(apiVersion)/\(resource)" }
}

private func splitAPIVersion(_ apiVersion: String) -> (group: String, version: String) {
    guard let slash = apiVersion.firstIndex(of: "/") else { return ("", apiVersion) }
    return (String(apiVersion[..<slash]), String(apiVersion[apiVersion.index(after: slash)...]))
}

/// Where an object lives among those of its resource. `namespace` is empty for cluster-scoped objects.
public struct ObjectName: Hashable, Comparable, Sendable, CustomStringConvertible {
    public var namespace: String
    public var name: String

    public init(namespace: String = "", name: String) {
        self.namespace = namespace
        self.name = name
    }

    public static func < (a: ObjectName, b: ObjectName) -> Bool {
        (a.namespace, a.name) < (b.namespace, b.name)
    }

    public var description: String { namespace.isEmpty ? name : "\(namespace)/\(name)" }
}
