import API
import APIMachinery
import Client
import Datastore
import Support
import Synchronization

/// Every served resource with the store that keeps it.
///
/// Reading takes a reference to an immutable state; a change makes a new one.
final class Registry: Sendable {
    /// A resource as clients see it.
    struct Served: Sendable {
        var definition: ResourceDefinition
        /// `nil` for resources that answer and keep nothing, such as reviews.
        var store: ResourceStore?
        /// Makes the objects, where they are kept nowhere.
        var computed: (any ComputedResource)?
        /// Between this version and the stored one; `nil` when they are the same.
        var conversion: KindConversion?
        /// The version of a custom resource that this is; `nil` for built-in ones.
        var custom: CustomVersion?
        /// Says which version of its definition a custom resource is served by; empty for built-in ones.
        var fingerprint = ""

        /// The schema of one object, as far as the server knows one.
        var type: TypeSchema? { definition.type ?? custom?.schema.type }

        /// What who uses the resource is warned of; `nil` for those that are there to stay.
        var deprecation: String? {
            custom == nil ? BuiltinWarnings.deprecation(of: definition) : custom?.warning
        }
    }

    /// All that is served at one instant; immutable, so that whoever holds it sees one state.
    final class Kinds: Sendable {
        /// Built-in resources in the order of their table, then custom ones by group, name and version.
        let all: [Served]
        private let byResource: [GroupVersionResource: Served]

        fileprivate init(_ all: [Served]) {
            self.all = all
            byResource = Dictionary(all.map { ($0.definition.resource, $0) }) { first, _ in first }
        }

        subscript(resource: GroupVersionResource) -> Served? { byResource[resource] }
    }

    let logs: ObjectLogs
    /// All plug-ins; each store has those that its resource needs.
    let admission: AdmissionChain
    /// Which resources there are, for those who look at all of them.
    let catalog = LiveCatalog()
    /// What went out to watches.
    let watchFigures = WatchFigures()
    /// Where uids and generated names come from.
    let randomness: Randomness
    private let builtin: [Served]
    private let stores: [GroupVersionResource: ResourceStore]
    private let kinds: Mutex<Kinds>
    private let followers = Mutex<[@Sendable () -> Void]>([])

    init(
        _ logs: ObjectLogs, served: RuntimeConfig, computed: [GroupVersionResource: any ComputedResource],
        strategies: BuiltinStrategies, admission: AdmissionChain,
        now: @escaping @Sendable () -> Timestamp, randomness: Randomness
    ) {
        self.logs = logs
        self.randomness = randomness
        self.admission = admission
        var stores: [GroupVersionResource: ResourceStore] = [:]
        for stored in BuiltinKinds.stored {
            guard let definition = BuiltinResources.shared.definition(of: stored.resource) else { continue }
            let kind = BuiltinKinds.kind(definition, strategies.strategy(of: stored.resource))
            stores[stored.resource] = ResourceStore(
                kind, log: logs.log(of: stored.resource), admission: admission, now: now,
                randomness: randomness)
        }
        self.stores = stores
        builtin = BuiltinResources.shared.resources.filter { definition in
            BuiltinKinds.isAggregated(definition)
                ? computed[definition.resource] != nil : served.serves(definition.resource)
        }.map { definition in
            let home = BuiltinKinds.storedResource(of: definition.resource)
            var store = stores[home]
            if let kept = store, home.groupResource != definition.resource.groupResource {
                // The same objects, under the name that they have here.
                store = ResourceStore(
                    kept.kind, named: definition.resource, log: kept.log, admission: kept.admission, now: now,
                    randomness: randomness)
            }
            return Served(
                definition: definition, store: store, computed: computed[definition.resource],
                conversion: home == definition.resource ? nil : KindConversion.builtin(definition.resource))
        }
        let kinds = Kinds(builtin)
        self.kinds = Mutex(kinds)
        catalog.set(kinds.entries)
        for service in store(.services).cache.list(namespace: nil) { strategies.services.adopt(service.value) }
    }

    /// What is served now.
    var present: Kinds { kinds.withLock(\.self) }

    subscript(resource: GroupVersionResource) -> Served? { present[resource] }

    /// The store of a resource that is kept, served or not; a programmer error for any that is not built in.
    func store(_ resource: GroupVersionResource) -> ResourceStore {
        guard let store = stores[resource] else {
            preconditionFailure("\(resource) is not kept by this server")
        }
        return store
    }

    var all: [Served] { present.all }

    /// The plug-ins that have to do with a resource.
    func admission(of resource: GroupVersionResource) -> AdmissionChain {
        guard let served = self[resource], served.conversion == nil, let store = served.store else {
            return admission.narrowed(to: resource)
        }
        return store.admission
    }

    /// Whether a resource comes with the server, in whichever version.
    func isBuiltin(_ group: String, _ resource: String) -> Bool {
        builtin.contains { $0.definition.resource.group == group && $0.definition.resource.resource == resource }
    }

    /// Serves a custom resource in these versions, the preferred one first, in place of those in which it was served
    /// before; in none, no longer. Who reads the registry sees all of the change or nothing of it.
    func serve(_ group: String, _ resource: String, as versions: [Served]) {
        kinds.withLock { kinds in
            let others = kinds.all.dropFirst(builtin.count).filter {
                $0.definition.resource.group != group || $0.definition.resource.resource != resource
            }
            let custom = (others + versions).enumerated().sorted {
                let (a, b) = ($0.element.definition.resource, $1.element.definition.resource)
                return (a.group, a.resource, $0.offset) < (b.group, b.resource, $1.offset)
            }
            kinds = Kinds(builtin + custom.map(\.element))
            // Inside, so that the catalog's changes come in the order of the registry's.
            catalog.set(kinds.entries)
        }
        for follower in followers.withLock(\.self) { follower() }
    }

    /// Calls `sink` after each change of what is served, for as long as the registry lives. The sink must return at once.
    func whenChanged(_ sink: @escaping @Sendable () -> Void) { followers.withLock { $0.append(sink) } }
}

extension Registry.Kinds {
    /// The stored resources, each in one version: built-in ones in that of their objects, others in the preferred one.
    fileprivate var entries: [CatalogEntry] {
        var seen: Set<ObjectIdentifier> = []
        return all.compactMap { served in
            guard let store = served.store, served.conversion == nil,
                seen.insert(ObjectIdentifier(store.cache)).inserted
            else { return nil }
            let definition = served.definition
            return CatalogEntry(
                resource: definition.resource, kind: definition.groupVersionKind,
                isNamespaced: definition.isNamespaced, verbs: definition.verbs)
        }
    }
}
