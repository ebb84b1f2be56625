import API
import APIMachinery
import Client
import Datastore
import PKI
import Support
import Testing

@testable import APIServer

/// Values at rest, as they lie in the datastore.
@Suite struct EncryptionTests {
    private static let resources = [
        ObjectLog.Stored(resource: .secrets, prefix: "secrets"), ObjectLog.Stored(resource: .configMaps, prefix: "configmaps"),
    ]
    private static let path = "/registry/secrets/default/one"
    private static let text = Array(#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"one","namespace":"default"}}"#.utf8)

    private static func keys(_ provider: String, _ keys: (name: String, byte: UInt8)...) -> String {
        let list = keys.map { "{name: \($0.name), secret: \(Base64.encode([UInt8](repeating: $0.byte, count: 32)))}" }
        return "{\(provider): {keys: [\(list.joined(separator: ", "))]}}"
    }

    private static func configuration(_ providers: String..., resources: String = "secrets") throws -> EncryptionConfiguration {
        try EncryptionConfiguration(
            text: """
                apiVersion: apiserver.config.k8s.io/v1
                kind: EncryptionConfiguration
                resources:
                - resources: ["\(resources)"]
                  providers: [\(providers.joined(separator: ", "))]
                """)
    }

    @Test(arguments: ["aescbc", "aesgcm", "secretbox"])
    func `a secret lies sealed, says how, and reads back`(provider: String) async throws {
        let base = MemoryDatastore()
        let store = EncryptedDatastore(base, try Self.configuration(Self.keys(provider, ("key1", 1)), "{identity: {}}"), Self.resources)
        try await store.write(.create(Self.path, Self.text))
        let stored = try #require(try await base.get(Self.path)).value
        #expect(stored.starts(with: Array("k8s:enc:\(provider):v1:key1:".utf8)))
        #expect(try await store.get(Self.path)?.value == Self.text)
        #expect(try await store.list(ListQuery(prefix: "/registry/")).entries.map(\.value) == [Self.text])
        #expect(!store.isStale(Self.path))
    }

    @Test func `what the configuration does not name is stored as it is`() async throws {
        let base = MemoryDatastore()
        let store = EncryptedDatastore(base, try Self.configuration(Self.keys("aescbc", ("key1", 1))), Self.resources)
        try await store.write(.create("/registry/configmaps/default/one", Self.text))
        #expect(try await base.get("/registry/configmaps/default/one")?.value == Self.text)
    }

    @Test func `the first key writes, all keys read, and what another wrote is stale until it is written anew`() async throws {
        let base = MemoryDatastore()
        let old = EncryptedDatastore(base, try Self.configuration(Self.keys("aescbc", ("key1", 1))), Self.resources)
        let revision = try await old.write(.create(Self.path, Self.text))
        let new = EncryptedDatastore(
            base, try Self.configuration(Self.keys("secretbox", ("box", 3)), Self.keys("aescbc", ("key2", 2), ("key1", 1))), Self.resources)
        #expect(try await new.list(ListQuery(prefix: "/registry/")).entries.map(\.value) == [Self.text])
        #expect(new.isStale(Self.path))
        try await new.write(.update(Self.path, Self.text, at: revision))
        #expect(!new.isStale(Self.path))
        #expect(try #require(try await base.get(Self.path)).value.starts(with: Array("k8s:enc:secretbox:v1:box:".utf8)))
    }

    @Test func `what is deleted is not stale any more, whoever deletes it`() async throws {
        let base = MemoryDatastore()
        let old = EncryptedDatastore(base, try Self.configuration(Self.keys("aescbc", ("key1", 1))), Self.resources)
        let other = "/registry/secrets/default/two"
        let first = try await old.write(.create(Self.path, Self.text))
        let second = try await old.write(.create(other, Self.text))
        let new = EncryptedDatastore(
            base, try Self.configuration(Self.keys("secretbox", ("box", 3)), Self.keys("aescbc", ("key1", 1))), Self.resources)
        _ = try await new.list(ListQuery(prefix: "/registry/"))
        let (seen, continuation) = AsyncStream.makeStream(of: Void.self)
        let subscription = try await new.subscribe(after: second) { _ in continuation.yield() }
        try await new.write(.delete(Self.path, at: first))
        #expect(!new.isStale(Self.path))
        #expect(new.isStale(other))
        try await old.write(.delete(other, at: second))
        for await _ in seen where !new.isStale(other) { break }
        subscription.cancel()
    }

    @Test func `without the key it is said which value cannot be read and why`() async throws {
        let base = MemoryDatastore()
        let right = EncryptedDatastore(base, try Self.configuration(Self.keys("aesgcm", ("key1", 1))), Self.resources)
        try await right.write(.create(Self.path, Self.text))
        for (providers, why) in [
            (Self.keys("aesgcm", ("key1", 9)), "is not the one it was encrypted with"),
            (Self.keys("aesgcm", ("key2", 1)), "a key that is not in the configuration"),
            ("{identity: {}}", "no provider of the configuration made it"),
        ] {
            let wrong = EncryptedDatastore(base, try Self.configuration(providers), Self.resources)
            let error = await #expect(throws: DatastoreError.self) { try await wrong.get(Self.path) }
            guard case .corrupt(let text) = error else { throw Unexpected("\(String(describing: error))") }
            #expect(text.contains(Self.path) && text.contains(why))
        }
    }

    @Test func `a value that was moved to another place does not open`() async throws {
        let base = MemoryDatastore()
        let store = EncryptedDatastore(base, try Self.configuration(Self.keys("aesgcm", ("key1", 1))), Self.resources)
        try await store.write(.create(Self.path, Self.text))
        let stolen = try #require(try await base.get(Self.path)).value
        try await base.write(.create("/registry/secrets/mine/one", stolen))
        await #expect(throws: DatastoreError.self) { try await store.get("/registry/secrets/mine/one") }
    }

    @Test(arguments: [
        ("secrets", "secrets", "", true), ("secrets", "secrets", "apps", false), ("deployments.apps", "deployments", "apps", true),
        ("*.", "secrets", "", true), ("*.", "deployments", "apps", false), ("*.apps", "deployments", "apps", true),
        ("*.*", "widgets", "example.com", true),
    ])
    func `resources are named by name, group and wildcards`(
        _ pattern: String, _ resource: String, _ group: String, _ matches: Bool
    ) throws {
        let configuration = try Self.configuration(Self.keys("aescbc", ("a", 1)), resources: pattern)
        #expect((configuration.chain(resource: resource, group: group) != nil) == matches)
    }

    @Test(arguments: [
        ("[{kms: {}}]", "kms is not built"), ("[{rot13: {}}]", "rot13 is no provider"),
        ("[{aescbc: {keys: []}}]", "at least one key"), ("[{aescbc: {}, identity: {}}]", "exactly one"), ("[]", "at least one provider"),
        ("[{aescbc: {keys: [{name: a, secret: AAAA}]}}]", "3 bytes"), ("[{secretbox: {keys: [{name: a, secret: '?'}]}}]", "Base64"),
        ("[{aescbc: {keys: [{name: 'a:b', secret: AAAA}]}}]", "without a colon"),
    ])
    func `what is wrong with a file is said`(providers: String, why: String) {
        let fault = #expect(throws: Fault.self) {
            try EncryptionConfiguration(
                text: """
                    {apiVersion: apiserver.config.k8s.io/v1, kind: EncryptionConfiguration,
                    resources: [{resources: [secrets], providers: \(providers)}]}
                    """)
        }
        #expect(fault?.summary.contains(why) == true)
    }

    @Test func `a configuration that takes the place of another counts at once, and what was sealed stays readable`() async throws {
        let base = MemoryDatastore()
        let store = EncryptedDatastore(base, try Self.configuration(Self.keys("aescbc", ("key1", 1))), Self.resources)
        let revision = try await store.write(.create(Self.path, Self.text))
        #expect(!store.isStale(Self.path))
        store.replace(try Self.configuration(Self.keys("secretbox", ("box", 3))))
        #expect(try await store.get(Self.path)?.value == Self.text)
        #expect(store.isStale(Self.path) && !store.isStale("/registry/configmaps/default/one"))
        let second = try await store.write(.update(Self.path, Self.text, at: revision))
        #expect(!store.isStale(Self.path))
        #expect(try #require(try await base.get(Self.path)).value.starts(with: Array("k8s:enc:secretbox:v1:box:".utf8)))
        // To the end of encryption, and what is not sealed any more is not opened.
        store.replace(try Self.configuration("{identity: {}}", resources: "configmaps"))
        #expect(try await store.get(Self.path)?.value == Self.text)
        #expect(store.isStale(Self.path))
        try await store.write(.update(Self.path, Self.text, at: second))
        #expect(!store.isStale(Self.path))
        #expect(try await base.get(Self.path)?.value == Self.text)
        #expect(try await store.get(Self.path)?.value == Self.text)
    }

    @Test func `history that was written with a key that is gone is as good as dropped`() async throws {
        let base = MemoryDatastore()
        let old = EncryptedDatastore(base, try Self.configuration(Self.keys("aescbc", ("key1", 1))), Self.resources)
        let first = try await old.write(.create(Self.path, Self.text))
        let both = EncryptedDatastore(base, try Self.configuration(Self.keys("aescbc", ("key2", 2), ("key1", 1))), Self.resources)
        try await both.write(.update(Self.path, Self.text, at: first))
        let new = EncryptedDatastore(base, try Self.configuration(Self.keys("aescbc", ("key2", 2))), Self.resources)
        let log = try await ObjectLog.open(new, Self.resources)
        await #expect(throws: DatastoreError.compacted(oldest: log.revision + 1)) {
            try await log.changes(of: .secrets, after: 0)
        }
        #expect(try await log.changes(of: .configMaps, after: 0).isEmpty)
    }
}
