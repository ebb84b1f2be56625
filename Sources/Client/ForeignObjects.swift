public import APIMachinery

/// The objects of the API that other servers keep (Kubernetes documentation, "Kubernetes API Aggregation Layer").
/// Nobody here has live sets of them: each call is a request to their server, and may take as long as that does.
public protocol ForeignObjects: Sendable {
    /// Each resource that those servers said they serve, in the version that is preferred; and the versions, as
    /// `GROUP/VERSION`, of which it is not known now what they have.
    func resources() -> (known: [CatalogEntry], unknown: [String])

    /// The objects of a resource in a namespace.
    func list(_ resource: GroupVersionResource, namespace: String) async throws(Status) -> [Value]

    /// Deletes an object, or all of the namespace when the target has no name; what they own goes after them.
    func delete(_ target: Target) async throws(Status)
}
