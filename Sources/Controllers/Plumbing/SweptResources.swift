import API
import APIMachinery
import Client

/// A resource and the live set of all its objects, for controllers that look at every kind.
struct SweptResource: Sendable {
    var definition: ResourceDefinition
    var set: any ObjectSet

    /// Observes those of `definitions` whose objects can be listed, watched and deleted. One that the server
    /// does not serve is left out.
    static func observe(
        _ definitions: [ResourceDefinition], _ client: any Client
    ) async throws(Status) -> [SweptResource] {
        var swept: [SweptResource] = []
        for definition in definitions where ["delete", "list", "watch"].allSatisfy(definition.verbs.contains)
        {
            do throws(Status) {
                swept.append(
                    SweptResource(
                        definition: definition, set: try await client.observe(definition.resource, .all)))
            } catch {
                guard error.isNotFound || error.reason == .methodNotAllowed else { throw error }
            }
        }
        return swept
    }
}
