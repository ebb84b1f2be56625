import API
import APIMachinery
import APIServer
import Client
import ClientTestSupport
import Datastore
import Logging
import PKI
import Support
import Testing

@testable import Controllers

@Suite(.timeLimit(.minutes(2))) struct StorageMigrationTests {
    @Test func `a migration says that it begins, and ends once`() throws {
        let (start, later) = (Timestamp(seconds: 100), Timestamp(seconds: 200))
        var migration = StorageVersionMigration(name: "m")
        migration.metadata.resourceVersion = "7"
        guard case .begin(let begun) = MigrationDecision(migration, now: start) else {
            Issue.record("it does not begin")
            return
        }
        #expect(begun.status.resourceVersion == "7" && begun.has(.running))
        #expect(MigrationDecision(begun, now: later) == .migrate, "also for who is started in its middle")
        let failed = begun.with(.failed, "why", at: later)
        #expect(MigrationDecision(failed, now: later) == .done)
        #expect(failed.status.conditions.map(\.type) == ["Running", "Failed"])
        #expect(failed.status.conditions.map(\.status) == ["False", "True"])
        #expect(failed.status.conditions.map(\.message) == ["", "why"])
        #expect(MigrationDecision(begun.with(.succeeded, "", at: later), now: later) == .done)
    }

    @Test func `all objects are stored in the version that their definition stores now`() async throws {
        try await withServer { store, client in
            _ = try await client.create(Target(.customResourceDefinitions), Self.definition(storing: "v1"), WriteOptions())
            let definitions = try await client.observe(.customResourceDefinitions, .all)
            _ = await Self.first(in: definitions, "dogs.example.com") { definition in
                let conditions = definition.value.at("status", "conditions")?.array ?? []
                return conditions.contains { $0["type"] == "Established" && $0["status"] == "True" }
            }
            // More than one page, in two namespaces.
            try await client.create(Namespace(name: "other"))
            for index in 0..<600 {
                _ = try await client.create(
                    Target(Self.dogs("v1"), namespace: index % 2 == 0 ? "default" : "other"),
                    ["apiVersion": "example.com/v1", "kind": "Dog", "metadata": ["name": .string("dog-\(index)")]],
                    WriteOptions())
            }
            _ = try await client.update(
                Target(.customResourceDefinitions, name: "dogs.example.com"),
                try await Self.restoring("v2", client), WriteOptions())
            let before = try await Self.versions(store)
            #expect(before == ["v1": 600])
            let migration = try await Self.migrate("dogs", client)
            #expect(migration.has(.succeeded), "\(migration.value)")
            #expect(try await Self.versions(store) == ["v2": 600])
        }
    }

    @Test func `one of a resource that nobody knows fails after a while`() async throws {
        try await withServer(now: { Timestamp(seconds: 4_000_000_000) }) { _, client in
            let migration = try await Self.migrate("cats", client)
            #expect(migration.has(.failed) && migration.status.conditions.last?.message == "resource not found")
        }
    }

    private func withServer(
        now: @escaping @Sendable () -> Timestamp = { .now },
        _ body: @escaping (MemoryDatastore, LocalClient) async throws -> Void
    ) async throws {
        let store = MemoryDatastore()
        var options = APIServerOptions(
            durable: store, volatile: MemoryDatastore(), clientAuthorities: [],
            serviceAccountKeys: [try PrivateKey.generateP256()], serviceCIDR: try #require(IPPrefix("10.43.0.0/16")),
            advertiseAddress: try #require(IPAddress("127.0.0.1")), advertisePort: 6443, version: [:])
        options.served = try RuntimeConfig(["storagemigration.k8s.io/v1beta1"])
        let server = try await APIServer.open(options)
        await server.bootstrap()
        let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await server.run(reportingTo: log) }
            defer { group.cancelAll() }
            try await running([StorageMigrator(catalog: server.catalog)], on: server.client(), now: now) {
                try await body(store, server.client())
            }
        }
        await server.close()
    }

    /// Asks for a migration, and returns it when it has ended.
    private static func migrate(_ resource: String, _ client: LocalClient) async throws -> StorageVersionMigration {
        var migration = StorageVersionMigration(name: "m")
        migration.spec.resource.group = "example.com"
        migration.spec.resource.resource = resource
        try await client.create(migration)
        let migrations = try await client.observe(StorageVersionMigration.self)
        let ended = await first(in: migrations, "m") {
            let seen = StorageVersionMigration($0)
            return seen.has(.succeeded) || seen.has(.failed)
        }
        return StorageVersionMigration(try #require(ended))
    }

    /// The object of this name as soon as it is as it should be.
    private static func first(
        in set: any ObjectSet, _ name: String, where isMet: (StoredObject) -> Bool
    ) async -> StoredObject? {
        let (changes, bell) = AsyncStream.makeStream(of: Void.self)
        let observation = set.observe { _ in bell.yield() }
        defer { observation.cancel() }
        for await _ in changes {
            if let object = set.get(ObjectName(name: name)), isMet(object) { return object }
        }
        return nil
    }

    /// How many dogs the datastore holds in each version.
    private static func versions(_ store: MemoryDatastore) async throws -> [String: Int] {
        var counts: [String: Int] = [:]
        for entry in try await store.list(ListQuery(prefix: "/registry/example.com/dogs/")).entries {
            let version = try Value(json: entry.value)["apiVersion"]?.string ?? ""
            counts[String(version.dropFirst("example.com/".count)), default: 0] += 1
        }
        return counts
    }

    private static func dogs(_ version: String) -> GroupVersionResource {
        GroupVersionResource(group: "example.com", version: version, resource: "dogs")
    }

    private static func definition(storing stored: String) -> Value {
        let versions = ["v1", "v2"].map { version -> Value in
            [
                "name": .string(version), "served": true, "storage": .bool(version == stored),
                "schema": ["openAPIV3Schema": ["type": "object"]],
            ]
        }
        return [
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": ["name": "dogs.example.com"],
            "spec": [
                "group": "example.com", "scope": "Namespaced",
                "names": ["plural": "dogs", "singular": "dog", "kind": "Dog", "listKind": "DogList"],
                "versions": .array(versions),
            ],
        ]
    }

    private static func restoring(_ stored: String, _ client: LocalClient) async throws -> Value {
        var definition = try await client.get(Target(.customResourceDefinitions, name: "dogs.example.com")).value
        definition[path: ["spec", "versions"]] = Self.definition(storing: stored).at("spec", "versions")
        return definition
    }
}
