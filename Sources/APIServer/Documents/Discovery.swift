import API
import APIMachinery
import Wire

/// What there is to ask for: `/api`, `/apis` and below, in the old form (a document per version) and the aggregated one
/// (one for all, KEP-3352). Made anew only after the kinds have changed; the bytes are served as they are.
struct Discovery: DocumentSource {
    private let derived: Derived<DiscoveryDocuments>

    /// `serverAddress` is what `/api` tells clients of old, as `10.0.0.1:6443`.
    init(_ registry: Registry, serverAddress: String) {
        derived = Derived(registry) { kinds in
            DiscoveryDocuments(
                kinds.all.map(\.definition), groupOrder: BuiltinResources.shared.groupOrder,
                preferred: BuiltinResources.shared.preferredVersions, serverAddress: serverAddress)
        }
    }

    var paths: [String] { Array(derived.content.byPath.keys) }

    /// In JSON: who joins it with that of other servers writes it as ``DiscoveryForm`` says.
    func document(_ request: HTTPRequest) throws(Status) -> Document? {
        var path = request.path
        guard path.hasPrefix("/api") else { return nil }
        if path.count > 1, path.hasSuffix("/") { path.removeLast() }
        let documents = derived.content
        guard let bytes = documents.byPath[path] else { return nil }
        if let document = documents.aggregated[path], try DiscoveryForm(request).isAggregated { return document }
        return Document(contentType: "application/json", bytes: bytes)
    }
}

/// All discovery documents at one instant.
struct DiscoveryDocuments: Sendable {
    let byPath: [String: [UInt8]]
    /// Of `/api` and `/apis`, in the aggregated form.
    let aggregated: [String: Document]

    init(_ definitions: [ResourceDefinition], groupOrder: [String], preferred: [String: String], serverAddress: String) {
        let versions = GroupVersions(definitions, groupOrder, preferred)
        var documents: [String: Value] = [:]
        documents["/api"] = [
            "kind": "APIVersions", "versions": ["v1"],
            "serverAddressByClientCIDRs": [["clientCIDR": "0.0.0.0/0", "serverAddress": .string(serverAddress)]],
        ]
        documents["/apis"] = [
            "kind": "APIGroupList", "apiVersion": "v1", "groups": .array(versions.groups.map(versions.group)),
        ]
        for group in versions.groups {
            var document = versions.group(group)
            document["kind"] = "APIGroup"
            document["apiVersion"] = "v1"
            documents["/apis/" + group] = document
        }
        for (apiVersion, resources) in versions.resources {
            let path = (apiVersion.contains("/") ? "/apis/" : "/api/") + apiVersion
            documents[path] = [
                "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": .string(apiVersion),
                "resources": .array(resources.flatMap(Self.entries)),
            ]
        }
        byPath = documents.mapValues(\.json)
        aggregated = ["/api": versions.aggregated([""]).json, "/apis": versions.aggregated(versions.groups).json]
            .mapValues { bytes in
                Document(
                    contentType: "application/json", bytes: bytes, headers: [("Cache-Control", "public")],
                    tag: Document.tag(of: bytes))
            }
    }

    /// A resource and its subresources (`meta/v1.APIResource`).
    private static func entries(_ definition: ResourceDefinition) -> [Value] {
        var entry: Value = [
            "name": .string(definition.resource.resource), "singularName": .string(definition.singular),
            "namespaced": .bool(definition.isNamespaced), "kind": .string(definition.kind),
            "verbs": Value(definition.verbs),
        ]
        if !definition.shortNames.isEmpty { entry["shortNames"] = Value(definition.shortNames) }
        if !definition.categories.isEmpty { entry["categories"] = Value(definition.categories) }
        if definition.isStored { entry["storageVersionHash"] = .string(definition.storageVersionHash) }
        return [entry]
            + definition.subresources.map { subresource in
                var entry: Value = [
                    "name": .string(definition.resource.resource + "/" + subresource.name), "singularName": "",
                    "namespaced": .bool(definition.isNamespaced), "kind": .string(subresource.kind.kind),
                    "verbs": Value(subresource.verbs),
                ]
                if subresource.kind.apiVersion != definition.resource.apiVersion {
                    entry["group"] = .string(subresource.kind.group)
                    entry["version"] = .string(subresource.kind.version)
                }
                return entry
            }
    }
}

/// The served resources, arranged by group and version.
private struct GroupVersions {
    let groups: [String]
    let resources: [String: [ResourceDefinition]]
    private let versions: [String: [String]]

    init(_ definitions: [ResourceDefinition], _ order: [String], _ preferred: [String: String]) {
        resources = Dictionary(grouping: definitions) { $0.resource.apiVersion }
        var versions: [String: [String]] = [:]
        for definition in definitions where !versions[definition.resource.group, default: []].contains(definition.resource.version) {
            versions[definition.resource.group, default: []].append(definition.resource.version)
        }
        for (group, first) in preferred {
            versions[group]?.sort { a, b in a == first && b != first }
        }
        // Custom ones, by Kubernetes' rule; those that come with the binary stand in their order.
        for group in versions.keys where !group.isEmpty && !order.contains(group) {
            versions[group] = versions[group]?.inVersionOrder
        }
        self.versions = versions
        groups = order.filter { versions[$0] != nil }
            + versions.keys.filter { !$0.isEmpty && !order.contains($0) }.sorted()
    }

    func group(_ name: String) -> Value {
        let entries: [Value] = (versions[name] ?? []).map {
            ["groupVersion": .string(name + "/" + $0), "version": .string($0)]
        }
        return ["name": .string(name), "versions": .array(entries), "preferredVersion": entries.first ?? .emptyObject]
    }

    func aggregated(_ groups: [String]) -> Value {
        let items: [Value] = groups.map { group in
            var metadata = Value.emptyObject
            if !group.isEmpty { metadata["name"] = .string(group) }
            let versions: [Value] = (self.versions[group] ?? []).map { version in
                let apiVersion = group.isEmpty ? version : group + "/" + version
                return [
                    "version": .string(version), "freshness": "Current",
                    "resources": .array((resources[apiVersion] ?? []).map(Self.entry)),
                ]
            }
            return ["metadata": metadata, "versions": .array(versions)]
        }
        return [
            "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": .emptyObject,
            "items": .array(items),
        ]
    }

    /// `apidiscovery.k8s.io/v2.APIResourceDiscovery`
    private static func entry(_ definition: ResourceDefinition) -> Value {
        var entry: Value = [
            "resource": .string(definition.resource.resource), "responseKind": kind(definition.groupVersionKind),
            "scope": definition.isNamespaced ? "Namespaced" : "Cluster",
            "singularResource": .string(definition.singular), "verbs": Value(definition.verbs),
        ]
        if !definition.shortNames.isEmpty { entry["shortNames"] = Value(definition.shortNames) }
        if !definition.categories.isEmpty { entry["categories"] = Value(definition.categories) }
        if !definition.subresources.isEmpty {
            entry["subresources"] = .array(
                definition.subresources.map {
                    [
                        "subresource": .string($0.name), "responseKind": kind($0.kind), "verbs": Value($0.verbs),
                    ]
                })
        }
        return entry
    }

    private static func kind(_ kind: GroupVersionKind) -> Value {
        ["group": .string(kind.group), "version": .string(kind.version), "kind": .string(kind.kind)]
    }
}
