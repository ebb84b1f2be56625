import APIMachinery
import Client

/// A resource whose objects are made when somebody asks for them, and kept nowhere.
protocol ComputedResource: Sendable {
    /// The objects that the filter includes, by namespace and name.
    func objects(_ filter: ObjectFilter) async throws(Status) -> [StoredObject]

    /// `nil` when there is none of this name.
    func object(_ name: ObjectName) async throws(Status) -> StoredObject?
}

extension ComputedResource {
    /// The answer to a list: all that there is now, in one page.
    func page(_ request: ResourceStore.ListRequest, at revision: Int64) async throws(Status) -> ResourceStore.Page {
        ResourceStore.Page(items: try await objects(request.filter), revision: revision)
    }
}
