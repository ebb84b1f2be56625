import API
import APIMachinery
import Client
import Datastore

/// The two logs, and which resource lives in which.
///
/// The cluster's state is durable; events and leases live in memory, because a lost heartbeat means nothing after a
/// restart and writing each would wear out flash (DESIGN.md, idea 5).
struct ObjectLogs: Sendable {
    let durable: ObjectLog
    let volatile: ObjectLog
    /// What seals the values of the durable log.
    let sealed: EncryptedDatastore?

    /// Resources that are kept in memory.
    private static let volatileResources: Set<GroupVersionResource> = [.events, .leases]

    /// Reads the state of both. With `encryption` the durable one keeps values sealed.
    static func open(
        durable: any Datastore, volatile: any Datastore, encryption: EncryptionConfiguration? = nil
    ) async throws(DatastoreError) -> ObjectLogs {
        let stored = BuiltinKinds.stored
        let sealed = encryption.map { EncryptedDatastore(durable, $0, stored) }
        let isVolatile = { (stored: ObjectLog.Stored) in volatileResources.contains(stored.resource) }
        return ObjectLogs(
            durable: try await ObjectLog.open(sealed ?? durable, stored.filter { !isVolatile($0) }),
            volatile: try await ObjectLog.open(volatile, stored.filter(isVolatile)), sealed: sealed)
    }

    func log(of resource: GroupVersionResource) -> ObjectLog {
        Self.volatileResources.contains(resource) ? volatile : durable
    }

    /// The cache of a resource, if it is kept: of a custom one in whatever version it is named.
    func cache(of resource: GroupVersionResource) -> ResourceCache? {
        let unversioned = GroupVersionResource(group: resource.group, version: "", resource: resource.resource)
        return log(of: resource).cache(of: resource) ?? durable.cache(of: unversioned)
    }

    /// The live set of a resource's objects in this process; a programmer error for one that is not kept.
    func objects(_ resource: GroupVersionResource) -> any ObjectSet {
        guard let cache = log(of: resource).cache(of: resource) else {
            preconditionFailure("\(resource) is not kept by this server")
        }
        return CachedObjectSet(cache: cache, filter: ObjectFilter())
    }

    func close() async {
        await durable.close()
        await volatile.close()
    }
}
