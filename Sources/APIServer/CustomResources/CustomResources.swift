import API
import APIMachinery
import Client
import Datastore
import Logging
import Support
import Synchronization

/// Makes definitions of custom resources into served kinds, and takes them away again.
///
/// A change of a definition puts its name into a queue. One worker decides names and conditions, so that of two
/// definitions that want the same name one gets it; what is accepted is served before the definition says so, so that
/// who waits for `Established` finds it. Objects of definitions that are being deleted are deleted by other workers.
final class CustomResources: Sendable {
    /// One definition that is served.
    private struct Serving {
        var uid: String
        var fingerprint: String
        var isDeleting: Bool
        /// Of what decides how objects look.
        var look: Int
        var definition: CustomDefinition.Names
        var group: String
        var home: ObjectLog.Stored
        var store: ResourceStore
        var observation: any Observation
    }

    private let registry: Registry
    private let client: LocalClient
    private let webhooks: any WebhookCaller
    private let now: @Sendable () -> Timestamp
    private let definitions: any ObjectSet
    private let names: DefinitionNames
    private let serving = Mutex<[String: Serving]>([:])
    private let arrivals: WorkQueue<String>
    private let endings: WorkQueue<String>

    private static let endingWorkers = 4
    private static let deletionsAtOnce = 32

    /// `client` writes the status of definitions, in the server's own name.
    init(
        _ registry: Registry, client: LocalClient, webhooks: any WebhookCaller,
        now: @escaping @Sendable () -> Timestamp, clock: any Clock<Duration> = ContinuousClock()
    ) {
        self.registry = registry
        self.client = client
        self.webhooks = webhooks
        self.now = now
        arrivals = WorkQueue(clock: clock)
        endings = WorkQueue(clock: clock)
        definitions = registry.logs.objects(.customResourceDefinitions)
        names = DefinitionNames(definitions)
    }

    /// Serves what was established before. After this, requests for custom resources can be answered.
    func load() async throws(Status) {
        for object in definitions.list(namespace: nil) {
            let definition = CustomDefinition(object)
            if definition.isTrue("Established") { try await serve(definition) }
        }
    }

    /// Follows the definitions until the task is cancelled.
    func run(reportingTo log: Logger) async {
        let observation = definitions.observe { [arrivals, endings] change in
            arrivals.add(change.name.name)
            if change.new?.isDeleting == true { endings.add(change.name.name) }
        }
        defer { observation.cancel() }
        let report: @Sendable (String, Status) -> Void = { name, status in
            let isExpected = status.reason == .conflict || status.isNotFound
            log.log(level: isExpected ? .debug : .warning, "custom resource \(name): \(status)")
        }
        await withTaskGroup { group in
            group.addTask { [self] in
                await arrivals.run(workers: 1, report: report) { name throws(Status) in
                    try await self.arrive(name)
                    return nil
                }
            }
            group.addTask { [self] in
                await endings.run(workers: Self.endingWorkers, report: report) { name throws(Status) in
                    try await self.end(name)
                    return nil
                }
            }
        }
    }

    // MARK: Coming

    private func arrive(_ name: String) async throws(Status) {
        guard let object = definitions.get(ObjectName(name: name)) else {
            names.forget(name)
            return stop(name)
        }
        var definition = CustomDefinition(object)
        // One that took the place of another which was not seen to go.
        if let old = serving.withLock({ $0[name]?.uid }), old != definition.uid { stop(name) }
        let taken = names.taken(in: definition.group, besides: name)
        let status = DefinitionConditions(now: now()).status(of: definition, taken)
        let isNews = status != definition.value["status"]
        var value = definition.value
        value["status"] = status
        definition = CustomDefinition(value)
        if definition.isTrue("Established") { try await serve(definition) }
        guard isNews else { return }
        let target = Target(.customResourceDefinitions, name: name, subresource: "status")
        _ = try await client.update(target, value, WriteOptions())
        retryRefused(in: definition.group, besides: name)
    }

    /// Names may have become free.
    private func retryRefused(in group: String, besides name: String) {
        for other in names.refused(in: group, besides: name) { arrivals.add(other) }
    }

    private func serve(_ definition: CustomDefinition) async throws(Status) {
        // What the server brings along goes first, as in Kubernetes: such a definition is good for nothing.
        guard !registry.isBuiltin(definition.group, definition.acceptedNames.plural) else { return }
        let before = serving.withLock { $0[definition.name] }
        let fingerprint = definition.fingerprint
        guard before?.fingerprint != fingerprint || before?.isDeleting != definition.isDeleting else { return }
        guard let storage = definition.storageVersion else { return }
        let conversion = conversion(definition, storage)
        let log = registry.logs.durable
        let home = definition.home
        let look = [definition.value["spec"] ?? .null, definition.acceptedNames.value].hashValue
        let cache: ResourceCache
        do throws(DatastoreError) {
            // What the schema did not know, or filled in, is not what is stored.
            if let before, before.look != look { try await log.reread(home, normalise: conversion.normalised) }
            cache = try await log.keep(home, normalise: conversion.normalised)
        } catch {
            throw Status(error)
        }
        let served = definition.servedVersions.compactMap { version in
            conversion.versions[version.name].map { custom in
                Registry.Served(
                    definition: custom.definition,
                    store: store(custom, home, CustomForm(conversion: conversion, version: version.name)),
                    custom: custom, fingerprint: fingerprint)
            }
        }
        guard let own = conversion.versions[storage.name] else { return }
        // Deletes objects as they lie in the log: no conversion can be in the way.
        let raw = store(own, home, nil)
        // The name alone: with the definition, its whole tree would stay in memory.
        let observation = CachedObjectSet(cache: cache, filter: ObjectFilter()).observe {
            [endings, name = definition.name, isDeleting = definition.isDeleting] change in
            // One that came when nobody thought of it any more has to go too.
            if change.new == nil || (change.old == nil && isDeleting) { endings.add(name) }
        }
        let names = definition.acceptedNames
        registry.serve(definition.group, names.plural, as: served)
        serving.withLock {
            $0[definition.name] = Serving(
                uid: definition.uid, fingerprint: fingerprint, isDeleting: definition.isDeleting, look: look,
                definition: names, group: definition.group, home: home, store: raw, observation: observation)
        }
        guard let before else { return }
        before.observation.cancel()
        // Who watches saw objects as they were served before. Who watches while they are deleted must see them go.
        if before.look != look { cache.endWatches() }
    }

    private func conversion(
        _ definition: CustomDefinition, _ storage: CustomDefinition.Version
    ) -> CustomConversion {
        var versions: [String: CustomVersion] = [:]
        for version in definition.versions {
            versions[version.name] = CustomVersion(
                version, of: definition, metadata: DefinitionRules.metadata, schema: schemaSource(definition.name))
        }
        let webhook = definition.conversionWebhook.flatMap { ConversionWebhook($0, caller: webhooks) }
        return CustomConversion(storage: storage.name, versions: versions, webhook: webhook)
    }

    /// Reads a version's schema, descriptions and all, from the definition as it is stored.
    private func schemaSource(_ name: String) -> @Sendable (String) -> Value? {
        { [definitions] version in
            definitions.get(ObjectName(name: name)).flatMap { object in
                CustomDefinition(object).versions.first { $0.name == version }?.schema
            }
        }
    }

    private func store(
        _ version: CustomVersion, _ home: ObjectLog.Stored, _ form: CustomForm?
    ) -> ResourceStore {
        let definition = version.definition
        var kind = ServedKind(
            resource: definition.resource, home: home.resource, kind: definition.kind,
            isNamespaced: definition.isNamespaced, hasStatus: definition.hasStatus, countsGenerations: true,
            allowsCreateOnUpdate: false, allowsUnconditionalUpdate: false, strategy: PlainStrategy(),
            validation: CustomValidation(version: version))
        let name = ObjectName(name: definition.resource.groupResource)
        kind.refusalOfNew = { [definitions] in
            definitions.get(name).map(\.isDeleting) == false ? nil : .terminating(definition.resource)
        }
        return ResourceStore(
            kind, log: registry.logs.durable, admission: registry.admission, now: now,
            randomness: registry.randomness, form: form)
    }

    // MARK: Going

    private func stop(_ name: String) {
        guard let old = serving.withLock({ $0.removeValue(forKey: name) }) else { return }
        registry.serve(old.group, old.definition.plural, as: [])
        old.observation.cancel()
        old.store.cache.endWatches()
        registry.logs.durable.forget(old.home.resource)
        retryRefused(in: old.group, besides: name)
    }

    /// Deletes the objects of a definition that is being deleted, and lets it go when the last one has gone.
    ///
    /// Says first that it does so. That is a write behind the mark of deletion: an object whose creation was let pass
    /// before the mark is in the log before it, and so among those that are deleted.
    private func end(_ name: String) async throws(Status) {
        guard let object = definitions.get(ObjectName(name: name)), object.isDeleting else { return }
        let definition = CustomDefinition(object)
        guard definition.finalizers.contains(CustomDefinition.cleanupFinalizer) else { return }
        var value = definition.value
        let status = DefinitionConditions(now: now()).statusInDeletion(of: definition)
        if status != value["status"] {
            value["status"] = status
            let target = Target(.customResourceDefinitions, name: name, subresource: "status")
            // What is written brings this back.
            _ = try await client.update(target, value, WriteOptions())
            return
        }
        if let store = serving.withLock({ $0[name]?.store }) {
            try await deleteAll(store)
            // So does the end of the last one.
            guard store.cache.list(namespace: nil).isEmpty else { return }
        }
        value[path: ["metadata", "finalizers"]] = Value(
            definition.finalizers.filter { $0 != CustomDefinition.cleanupFinalizer })
        _ = try await client.update(Target(.customResourceDefinitions, name: name), value, WriteOptions())
    }

    private func deleteAll(_ store: ResourceStore) async throws(Status) {
        let objects = store.cache.list(namespace: nil).filter { !$0.isDeleting }
        let failure = await withTaskGroup(of: Status?.self) { group in
            var rest = objects[...]
            var failure: Status?
            for object in rest.prefix(Self.deletionsAtOnce) { group.addTask { await Self.delete(object, store) } }
            rest = rest.dropFirst(Self.deletionsAtOnce)
            for await result in group {
                failure = failure ?? result
                if let object = rest.popFirst() { group.addTask { await Self.delete(object, store) } }
            }
            return failure
        }
        if let failure { throw failure }
    }

    /// Nobody is asked: the objects have to go.
    private static func delete(_ object: StoredObject, _ store: ResourceStore) async -> Status? {
        var request = WriteRequest(
            user: .apiServer, target: Target(store.resource, object.objectName), options: WriteOptions(), verb: .delete)
        request.isAdmitted = true
        do throws(Status) {
            _ = try await store.delete(object.objectName, request, DeletionOptions())
            return nil
        } catch {
            return error.isNotFound ? nil : error
        }
    }
}

extension Status {
    /// The 405 answer to a creation while the definition of the kind is going.
    static func terminating(_ resource: GroupVersionResource) -> Status {
        var status = methodNotAllowed("create", resource)
        status.message = "create not allowed while custom resource definition is terminating"
        return status
    }
}
