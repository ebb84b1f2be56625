public import APIMachinery

/// Everything that serving a resource needs to know and that a table can say. Built-in kinds come with the
/// binary, custom resources are made from their definition at run time; both take the same path.
public struct ResourceDefinition: Sendable {
    public var resource: GroupVersionResource
    public var kind: String
    public var singular: String
    public var shortNames: [String]
    public var categories: [String]
    public var isNamespaced: Bool
    /// What clients may do: `create`, `delete`, `deletecollection`, `get`, `list`, `patch`, `update`,
    /// `watch`.
    public var verbs: [String]
    public var subresources: [Subresource]
    /// The hash of the kind under which objects are stored; empty for a resource that is not stored.
    public var storageVersionHash: String
    /// Where the objects live in etcd below `/registry/` when that is not the plural (or group/plural):
    /// `minions`.
    public var etcdPrefix: String
    /// The fields that `fieldSelector` may name.
    public var fieldSelectors: [String]
    public var columns: [ColumnDefinition]
    /// Whether `metadata.generation` counts changes of the desired state.
    public var countsGenerations: Bool
    /// Whether a PUT without `resourceVersion` replaces whatever is there.
    public var allowsUnconditionalUpdate: Bool
    /// Whether a PUT on a name that does not exist creates it.
    public var allowsCreateOnUpdate: Bool
    /// What happens to dependents when a deletion does not say: `Background`, `Orphan`; empty when nothing
    /// does.
    public var defaultPropagation: String
    /// The schema of one object.
    public var type: TypeSchema?

    /// A part of an object that is served by itself.
    public struct Subresource: Hashable, Sendable {
        /// `status`, `scale`, `log`, ...
        public var name: String
        /// The kind that travels, with its group and version.
        public var kind: GroupVersionKind
        public var verbs: [String]
        /// The type of the query parameters (`PodExecOptions`); empty when there are none.
        public var options: String
        public var type: TypeSchema?
    }

    public var groupVersionKind: GroupVersionKind {
        GroupVersionKind(group: resource.group, version: resource.version, kind: kind)
    }

    /// Whether the status is changed by its own subresource only.
    public var hasStatus: Bool { subresource("status") != nil }

    public func subresource(_ name: String) -> Subresource? { subresources.first { $0.name == name } }

    /// Creating returns an answer and stores nothing: reviews, bindings.
    public var isStored: Bool { !storageVersionHash.isEmpty }
}

/// One column of `kubectl get`.
public struct ColumnDefinition: Hashable, Sendable {
    public var name: String
    /// `string`, `integer`, `date`, ... as in OpenAPI.
    public var type: String
    /// `name` for the column that holds the object's name.
    public var format: String
    /// 0 is always shown, more only with `-o wide`.
    public var priority: Int
    /// How to find the cell, in the words of the facts: a path with a rendering rule, or `computed`.
    public var rule: Value
    /// Where the value is; `nil` for a computed cell.
    let path: ColumnPath?
    /// The cell is empty unless this has a text.
    let guardPath: ColumnPath?

    public init(_ rule: Value) {
        name = rule["name"]?.string ?? ""
        type = rule["type"]?.string ?? "string"
        format = rule["format"]?.string == "name" || name == "Name" ? "name" : ""
        priority = Int(rule["priority"]?.integer ?? 0)
        path = rule["path"]?.string.flatMap { ColumnPath($0) }
        guardPath = rule["onlyIf"]?.string.flatMap { ColumnPath($0) }
        self.rule = rule
    }
}
