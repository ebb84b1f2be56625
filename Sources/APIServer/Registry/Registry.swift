import API
import APIMachinery
import Client
import Datastore
import Support

/// Every served resource with the store that keeps it.
final class Registry: Sendable {
    /// A resource as clients see it.
    struct Served: Sendable {
        var definition: ResourceDefinition
        /// `nil` for resources that answer and keep nothing, such as reviews.
        var store: ResourceStore?
        /// Between this version and the stored one; `nil` when they are the same.
        var conversion: KindConversion?
    }

    let logs: ObjectLogs
    /// All plug-ins; each store has those that its resource needs.
    let admission: AdmissionChain
    private let served: [GroupVersionResource: Served]

    init(
        _ logs: ObjectLogs, strategies: BuiltinStrategies, admission: AdmissionChain,
        now: @escaping @Sendable () -> Timestamp
    ) {
        self.logs = logs
        self.admission = admission
        var stores: [GroupVersionResource: ResourceStore] = [:]
        for stored in BuiltinKinds.stored {
            guard let definition = BuiltinResources.shared.definition(of: stored.resource) else { continue }
            let kind = BuiltinKinds.kind(definition, strategies.strategy(of: stored.resource))
            stores[stored.resource] = ResourceStore(
                kind, log: logs.log(of: stored.resource), admission: admission, now: now)
        }
        var served: [GroupVersionResource: Served] = [:]
        for definition in BuiltinResources.shared.resources where !BuiltinKinds.isAggregated(definition) {
            let home = BuiltinKinds.storedResource(of: definition.resource)
            served[definition.resource] = Served(
                definition: definition, store: stores[home],
                conversion: home == definition.resource ? nil : KindConversion.builtin(definition.resource))
        }
        self.served = served
        for service in store(.services).cache.list(namespace: nil) { strategies.services.adopt(service.value) }
    }

    subscript(resource: GroupVersionResource) -> Served? { served[resource] }

    /// The store of a resource that is kept; a programmer error for any other.
    func store(_ resource: GroupVersionResource) -> ResourceStore {
        guard let store = served[resource]?.store else {
            preconditionFailure("\(resource) is not kept by this server")
        }
        return store
    }

    var all: [Served] { BuiltinResources.shared.resources.compactMap { served[$0.resource] } }
}
