import API
import APIMachinery
import Client
import Support
import Testing

@testable import APIServer

/// The control plane's own objects come back when somebody takes them away.
@Suite(.timeLimit(.minutes(1))) struct FirstObjectsKeeperTests {
    private static func object(_ namespace: String, _ name: String, _ fields: Value = .emptyObject) -> StoredObject {
        var object = fields
        object[path: ["metadata", "name"]] = .string(name)
        if !namespace.isEmpty { object[path: ["metadata", "namespace"]] = .string(namespace) }
        return StoredObject(received: object)
    }

    private struct Case: Sendable {
        var resource: GroupVersionResource
        var namespace: String
        var name: String
        /// What is left of the object; `nil` when it is gone.
        var left: Value?
        var step: Bootstrap.Step?
    }

    private static let cases = [
        Case(resource: .namespaces, namespace: "", name: "kube-node-lease", left: nil, step: .namespaces),
        Case(resource: .namespaces, namespace: "", name: "kube-node-lease", left: ["status": [:]], step: nil),
        Case(resource: .namespaces, namespace: "", name: "own", left: nil, step: nil),
        Case(resource: .services, namespace: "default", name: "kubernetes", left: nil, step: .kubernetesService),
        Case(resource: .services, namespace: "default", name: "kubernetes", left: ["spec": [:]], step: nil),
        Case(resource: .services, namespace: "own", name: "kubernetes", left: nil, step: nil),
        Case(resource: .endpoints, namespace: "default", name: "kubernetes", left: nil, step: .kubernetesService),
        Case(
            resource: .endpoints, namespace: "default", name: "kubernetes", left: ["subsets": []],
            step: .kubernetesService),
        Case(
            resource: .endpoints, namespace: "default", name: "kubernetes",
            left: ["subsets": [["addresses": [["ip": "192.0.2.2"]]]]], step: nil),
        Case(resource: .endpoints, namespace: "default", name: "web", left: nil, step: nil),
        Case(resource: .endpointSlices, namespace: "default", name: "kubernetes", left: nil, step: .kubernetesService),
        Case(
            resource: .endpointSlices, namespace: "default", name: "kubernetes", left: [:], step: .kubernetesService),
        Case(
            resource: .endpointSlices, namespace: "default", name: "kubernetes",
            left: ["endpoints": [["addresses": ["192.0.2.2"]]]], step: nil),
        Case(
            resource: .configMaps, namespace: "kube-system", name: "extension-apiserver-authentication", left: nil,
            step: .extensionAuthentication),
        Case(
            resource: .configMaps, namespace: "kube-system", name: "extension-apiserver-authentication",
            left: ["data": ["client-ca-file": "another"]], step: .extensionAuthentication),
        Case(
            resource: .configMaps, namespace: "default", name: "extension-apiserver-authentication", left: nil,
            step: nil),
        Case(resource: .secrets, namespace: "default", name: "kubernetes", left: nil, step: nil),
    ]

    @Test func `a change is set right by the step that made the object`() {
        for each in Self.cases {
            let change = ObjectChange(
                old: Self.object(each.namespace, each.name),
                new: each.left.map { Self.object(each.namespace, each.name, $0) })
            #expect(FirstObjectsKeeper.step(after: change, of: each.resource) == each.step, "\(each)")
        }
    }

    /// The macros take no name that begins with its module's.
    private static func address(_ text: String) -> Support.IPAddress? { Support.IPAddress(text) }

    private static func wait(
        _ client: LocalClient, _ target: Target, until isRight: (Value) -> Bool
    ) async throws {
        let set = try await client.observe(target.resource, .all)
        let (changes, bell) = AsyncStream.makeStream(of: Void.self)
        let observation = set.observe { _ in bell.yield() }
        defer { observation.cancel() }
        // The objects that are there count as changes.
        for await _ in changes {
            if let object = set.get(target.objectName), isRight(object.value) { return }
        }
    }

    @Test func `what was taken away is there again soon, as it was`() async throws {
        try await TestAPI.run({ $0.advertiseAddress = try #require(Self.address("192.0.2.1")) }) { api in
            let client = api.server.client()
            let service = Target(.services, Bootstrap.kubernetesService)
            let endpoints = Target(.endpoints, Bootstrap.kubernetesService)
            let slice = Target(.endpointSlices, Bootstrap.kubernetesService)
            let map = Target(.configMaps, ExtensionAuthentication.name)
            for (target, content) in [
                (service, "spec"), (endpoints, "subsets"), (slice, "endpoints"), (map, "data"),
            ] {
                let before = try await client.get(target)
                _ = try await client.delete(target, DeletionOptions())
                try await Self.wait(client, target) { after in
                    after.at("metadata", "uid")?.string != before.uid && after[content] == before.value[content]
                }
            }
            _ = try await client.patch(endpoints, .merge(["subsets": []]), WriteOptions())
            try await Self.wait(client, endpoints) { $0["subsets"]?.array?.count == 1 }
            _ = try await client.patch(slice, .merge(["endpoints": []]), WriteOptions())
            try await Self.wait(client, slice) { $0["endpoints"]?.array?.count == 1 }
            _ = try await client.patch(map, .merge(["data": ["client-ca-file": "another"]]), WriteOptions())
            try await Self.wait(client, map) { $0.at("data", "client-ca-file") == nil }
        }
    }

    @Test func `a namespace that every cluster has is there again when it is gone`() async throws {
        try await TestAPI.run { api in
            let client = api.server.client()
            let target = Target(.namespaces, name: "kube-node-lease")
            let before = try await client.get(target)
            _ = try await client.delete(target, DeletionOptions())
            var empty = try await client.get(target).value
            empty[path: ["spec", "finalizers"]] = .array([])
            var finalize = target
            finalize.subresource = "finalize"
            _ = try await client.update(finalize, empty, WriteOptions())
            try await Self.wait(client, target) { $0.at("metadata", "uid")?.string != before.uid }
        }
    }
}
