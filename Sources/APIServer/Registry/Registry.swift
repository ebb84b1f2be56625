import API
import APIMachinery
import Client
import Datastore
import Support

/// Every served resource with the store that keeps it.
///
/// Two logs: the cluster's state is durable; events and leases live in memory, because a lost heartbeat means nothing
/// after a restart and writing each would wear out flash (DESIGN.md, idea 5).
final class Registry: Sendable {
    /// A resource as clients see it.
    struct Served: Sendable {
        var definition: ResourceDefinition
        /// `nil` for resources that answer and keep nothing, such as reviews.
        var store: ResourceStore?
        /// Between this version and the stored one; `nil` when they are the same.
        var conversion: KindConversion?
    }

    private let served: [GroupVersionResource: Served]
    let durable: ObjectLog
    let volatile: ObjectLog

    /// Resources that are kept in memory.
    static let volatileResources: Set<GroupVersionResource> = [.events, .leases]

    /// Reads the state of both logs.
    static func open(
        durable: any Datastore, volatile: any Datastore, strategies: BuiltinStrategies,
        now: @escaping @Sendable () -> Timestamp
    ) async throws(DatastoreError) -> Registry {
        let stored = BuiltinKinds.stored
        let isVolatile = { (stored: ObjectLog.Stored) in volatileResources.contains(stored.resource) }
        let durableLog = try await ObjectLog.open(durable, stored.filter { !isVolatile($0) })
        let volatileLog = try await ObjectLog.open(volatile, stored.filter(isVolatile))
        return Registry(durableLog, volatileLog, strategies, now)
    }

    private init(
        _ durable: ObjectLog, _ volatile: ObjectLog, _ strategies: BuiltinStrategies,
        _ now: @escaping @Sendable () -> Timestamp
    ) {
        self.durable = durable
        self.volatile = volatile
        let admission = AdmissionChain.builtin { resource in
            let log = Self.volatileResources.contains(resource) ? volatile : durable
            guard let cache = log.cache(of: resource) else {
                preconditionFailure("admission asks for \(resource), which is not kept")
            }
            return CachedObjectSet(cache: cache, filter: ObjectFilter())
        }
        var stores: [GroupVersionResource: ResourceStore] = [:]
        for stored in BuiltinKinds.stored {
            let log = Self.volatileResources.contains(stored.resource) ? volatile : durable
            guard let definition = BuiltinResources.shared.definition(of: stored.resource) else { continue }
            let kind = BuiltinKinds.kind(definition, strategies.strategy(of: stored.resource))
            stores[stored.resource] = ResourceStore(kind, log: log, admission: admission, now: now)
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

    /// The live set of a resource's objects in this process.
    func objects(_ resource: GroupVersionResource, _ filter: ObjectFilter = ObjectFilter()) -> any ObjectSet {
        CachedObjectSet(cache: store(resource).cache, filter: filter)
    }

    var all: [Served] { BuiltinResources.shared.resources.compactMap { served[$0.resource] } }

    func close() async {
        await durable.close()
        await volatile.close()
    }
}
