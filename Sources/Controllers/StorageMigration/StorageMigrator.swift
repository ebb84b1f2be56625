import API
public import APIMachinery
public import Client
import Support
import Synchronization

/// Has every object of a resource written anew when a StorageVersionMigration asks for it, so that all are kept in the
/// version, and under the key, in which such objects are stored today (KEP-4192).
///
/// An update without a change is enough: the API server writes what it keeps in another form than it would now.
public struct StorageMigrator: Controller {
    public let name = "storage-version-migrator-controller"
    private let catalog: any ResourceCatalog

    /// - Parameter catalog: The resources that can be migrated.
    public init(catalog: any ResourceCatalog) { self.catalog = catalog }

    public func run(_ context: ControllerContext) async throws(Status) {
        let migrations = try await context.client.observe(StorageVersionMigration.self)
        let work = MigrationWork(context: context, resources: KnownResources(), migrations: migrations)
        let changes = ReconcileLoop<ObjectName>.Source(migrations) { [$0.name] }
        let observation = catalog.observe { work.resources.take($0) }
        defer { observation.cancel() }
        await ReconcileLoop<ObjectName>(context).run([changes]) { name throws(Status) in
            try await work.reconcile(name)
        }
    }
}

/// The resources that are served now, by group and name: migrations name no version.
private final class KnownResources: Sendable {
    private let entries = Mutex<[String: CatalogEntry]>([:])

    func take(_ change: CatalogChange) {
        entries.withLock { entries in
            switch change {
            case .added(let entry): entries[entry.resource.groupResource] = entry
            case .removed(let entry): entries[entry.resource.groupResource] = nil
            }
        }
    }

    subscript(group: String, resource: String) -> CatalogEntry? {
        let name = GroupVersionResource(group: group, version: "", resource: resource).groupResource
        return entries.withLock { $0[name] }
    }
}

/// One pass over one migration.
private struct MigrationWork: Sendable {
    let context: ControllerContext
    let resources: KnownResources
    let migrations: any ObjectSet

    /// How long a resource that is not known may take to appear: its definition was perhaps just made.
    private static let patience = Duration.seconds(60)
    /// How long a change of a definition may take to count.
    private static let pause = Duration.milliseconds(200)
    /// How many objects are in hands at once.
    private static let page = 500

    func reconcile(_ name: ObjectName) async throws(Status) -> Duration? {
        guard let migration = migrations.get(StorageVersionMigration.self, name) else { return nil }
        let decision = MigrationDecision(migration, now: context.now())
        guard decision != .done else { return nil }
        guard let entry = resources[migration.spec.resource.group, migration.spec.resource.resource] else {
            return try await miss(migration)
        }
        switch decision {
        case .done: break
        case .begin(let begun): try await context.client.updateStatus(begun)
        case .migrate:
            guard try await isSettled(entry.resource) else { return Self.pause }
            try await migrate(entry.resource, migration)
        }
        return nil
    }

    /// Whether objects of a custom resource are stored as its definition says by now.
    private func isSettled(_ resource: GroupVersionResource) async throws(Status) -> Bool {
        let target = Target(.customResourceDefinitions, name: resource.groupResource)
        do throws(Status) {
            let definition = try await context.client.get(target).value
            return definition.at("status", "observedGeneration") == definition.at("metadata", "generation")
        } catch {
            guard error.isNotFound else { throw error }
            return true
        }
    }

    private func miss(_ migration: StorageVersionMigration) async throws(Status) -> Duration? {
        let age = context.now() - (migration.metadata.creationTimestamp ?? context.now())
        guard age >= Self.patience else { return Self.patience - age }
        try await end(migration, .failed, "resource not found")
        return nil
    }

    private func migrate(_ resource: GroupVersionResource, _ migration: StorageVersionMigration) async throws(Status) {
        var options = ListOptions(limit: Self.page)
        do throws(Status) {
            repeat {
                let page = try await context.client.list(Target(resource), options)
                try await inParallel(page.items) { object throws(Status) in try await rewrite(resource, object) }
                options.continueToken = page.continueToken
            } while options.continueToken != nil
        } catch {
            // What may go away by itself, the page that is too old included, is tried again from the beginning.
            guard error.code < 500, error.code != 429, error.code != 410 else { throw error }
            return try await end(migration, .failed, "migration encountered unhandled error: \(error.message)")
        }
        try await end(migration, .succeeded, "")
    }

    /// Changes nothing but the form. With its version: one that was written since is in the new form already, and one that
    /// was deleted and made anew is another.
    private func rewrite(_ resource: GroupVersionResource, _ object: StoredObject) async throws(Status) {
        let metadata: Value = ["uid": .string(object.uid), "resourceVersion": .string(String(object.revision))]
        do throws(Status) {
            try await context.client.patch(
                Target(resource, object.objectName), .merge(["metadata": metadata]), WriteOptions())
        } catch {
            guard error.isConflict || error.isNotFound else { throw error }
        }
    }

    private func end(
        _ migration: StorageVersionMigration, _ state: MigrationState, _ message: String
    ) async throws(Status) {
        try await context.client.updateStatus(migration.with(state, message, at: context.now()))
    }
}
