public import APIMachinery
import CTables

/// The served resources of Kubernetes' own groups, in the order of discovery documents.
public struct BuiltinResources: Sendable {
    public let resources: [ResourceDefinition]
    /// The groups in the order in which `/apis` lists them; the core group is not among them.
    public let groupOrder: [String]
    /// The version that clients take by default, for groups with more than one.
    public let preferredVersions: [String: String]
    /// Of each API version the group's and the version's priority, as `APIService` objects state them.
    public let priorities: [String: (group: Int, version: Int)]

    /// Parsed at first use, once.
    public static let shared = BuiltinResources(CTables_resources().document)

    private init(_ document: Value) {
        resources = (document["resources"]?.array ?? []).map { ResourceDefinition(builtin: $0) }
        groupOrder = (document["groupOrder"]?.array ?? []).compactMap(\.string)
        preferredVersions = document["preferredVersions"]?.strings ?? [:]
        var priorities: [String: (group: Int, version: Int)] = [:]
        for (version, pair) in document["apiServicePriorities"]?.fields ?? Fields() {
            let numbers = (pair.array ?? []).compactMap { $0.integer.map(Int.init) }
            if numbers.count == 2 { priorities[version] = (numbers[0], numbers[1]) }
        }
        self.priorities = priorities
    }

    public func definition(of resource: GroupVersionResource) -> ResourceDefinition? {
        resources.first { $0.resource == resource }
    }

    public func definition(of kind: GroupVersionKind) -> ResourceDefinition? {
        resources.first { $0.groupVersionKind == kind }
    }
}

extension ResourceDefinition {
    fileprivate init(builtin entry: Value) {
        func text(_ key: String) -> String { entry[key]?.string ?? "" }
        func texts(_ key: String) -> [String] { (entry[key]?.array ?? []).compactMap(\.string) }
        resource = GroupVersionResource(
            group: text("group"), version: text("version"), resource: text("plural"))
        kind = text("kind")
        singular = text("singular")
        shortNames = texts("shortNames")
        categories = texts("categories")
        isNamespaced = entry["namespaced"]?.bool ?? false
        verbs = texts("verbs")
        let home = resource.apiVersion
        subresources = (entry["subresources"]?.array ?? []).map { Subresource(builtin: $0, apiVersion: home) }
        storageVersionHash = text("storageVersionHash")
        etcdPrefix = text("etcdPrefix")
        fieldSelectors = texts("fieldSelectors")
        columns = (entry["columns"]?.array ?? []).map { ColumnDefinition($0) }
        countsGenerations = entry["countsGenerations"]?.bool ?? false
        allowsUnconditionalUpdate = entry["demandsVersion"]?.bool != true
        allowsCreateOnUpdate = entry["createsOnUpdate"]?.bool ?? false
        defaultPropagation = entry["propagation"]?.string ?? "Background"
        type = BuiltinTypes.kubernetes.type(named: text("type"))
    }
}

extension ResourceDefinition.Subresource {
    fileprivate init(builtin entry: Value, apiVersion: String) {
        name = entry["name"]?.string ?? ""
        kind = GroupVersionKind(
            apiVersion: entry["groupVersion"]?.string ?? apiVersion, kind: entry["kind"]?.string ?? "")
        verbs = (entry["verbs"]?.array ?? []).compactMap(\.string)
        options = entry["options"]?.string ?? ""
        type = BuiltinTypes.kubernetes.type(named: entry["type"]?.string ?? "")
    }
}
