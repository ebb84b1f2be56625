public import APIMachinery

extension ResourceDefinition {
    /// A resource that is defined at run time. It has no type of the built-in tables.
    public init(
        custom resource: GroupVersionResource, kind: String, singular: String, shortNames: [String],
        categories: [String], isNamespaced: Bool, verbs: [String], subresources: [Subresource],
        storageVersionHash: String, fieldSelectors: [String], columns: [ColumnDefinition]
    ) {
        self.init(
            resource: resource, kind: kind, singular: singular, shortNames: shortNames, categories: categories,
            isNamespaced: isNamespaced, verbs: verbs, subresources: subresources,
            storageVersionHash: storageVersionHash, etcdPrefix: "", fieldSelectors: fieldSelectors, columns: columns,
            countsGenerations: true, allowsUnconditionalUpdate: false, allowsCreateOnUpdate: false,
            defaultPropagation: "Background", type: nil)
    }
}

extension ResourceDefinition.Subresource {
    /// A part of a custom resource that is served by itself; `type` is `nil` for the object itself.
    public init(name: String, kind: GroupVersionKind, verbs: [String], type: TypeSchema?) {
        self.init(name: name, kind: kind, verbs: verbs, options: "", type: type)
    }
}
