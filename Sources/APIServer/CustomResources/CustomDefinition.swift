import API
import APIMachinery
import Support

/// A `CustomResourceDefinition` as the server reads it.
struct CustomDefinition: Sendable {
    /// What a kind is called (`spec.names`, `status.acceptedNames`).
    struct Names: Hashable, Sendable {
        var plural: String
        var singular: String
        var kind: String
        var listKind: String
        var shortNames: [String]
        var categories: [String]

        init(_ names: Value) {
            func texts(_ key: String) -> [String] { (names[key]?.array ?? []).compactMap(\.string) }
            plural = names["plural"]?.string ?? ""
            singular = names["singular"]?.string ?? ""
            kind = names["kind"]?.string ?? ""
            listKind = names["listKind"]?.string ?? ""
            shortNames = texts("shortNames")
            categories = texts("categories")
        }

        var value: Value {
            var value: Value = ["plural": .string(plural), "kind": .string(kind)]
            if !singular.isEmpty { value["singular"] = .string(singular) }
            if !listKind.isEmpty { value["listKind"] = .string(listKind) }
            if !shortNames.isEmpty { value["shortNames"] = Value(shortNames) }
            if !categories.isEmpty { value["categories"] = Value(categories) }
            return value
        }
    }

    struct Version: Sendable {
        let value: Value

        var name: String { value["name"]?.string ?? "" }
        var isServed: Bool { value["served"]?.bool ?? false }
        var isStored: Bool { value["storage"]?.bool ?? false }
        var schema: Value { value.at("schema", "openAPIV3Schema") ?? .emptyObject }
        var hasStatus: Bool { value.at("subresources", "status") != nil }
        var scale: ScalePaths? { value.at("subresources", "scale").map { ScalePaths($0) } }
        /// As `spec.color`: what field selectors may name.
        var selectableFields: [String] {
            (value["selectableFields"]?.array ?? []).compactMap {
                $0["jsonPath"]?.string.map { String($0.dropFirst()) }
            }
        }
    }

    let value: Value

    init(_ value: Value) { self.value = value }

    init(_ object: StoredObject) { self.init(object.value) }

    var name: String { value.at("metadata", "name")?.string ?? "" }
    var uid: String { value.at("metadata", "uid")?.string ?? "" }
    var group: String { value.at("spec", "group")?.string ?? "" }
    var isNamespaced: Bool { value.at("spec", "scope") == "Namespaced" }
    var names: Names { Names(value.at("spec", "names") ?? .emptyObject) }
    var acceptedNames: Names { Names(value.at("status", "acceptedNames") ?? .emptyObject) }
    var versions: [Version] { (value.at("spec", "versions")?.array ?? []).map(Version.init) }
    /// The version in which objects are written.
    var storageVersion: Version? { versions.first(where: \.isStored) }
    /// The versions that clients can speak, the preferred one first.
    var servedVersions: [Version] {
        versions.filter(\.isServed).sorted { VersionPriority($0.name) > VersionPriority($1.name) }
    }
    var storedVersions: [String] { (value.at("status", "storedVersions")?.array ?? []).compactMap(\.string) }
    var isDeleting: Bool { value.at("metadata", "deletionTimestamp") != nil }
    var finalizers: [String] { (value.at("metadata", "finalizers")?.array ?? []).compactMap(\.string) }

    /// The `clientConfig` and the review versions of the webhook that converts; `nil` when the version's name is all that
    /// differs.
    var conversionWebhook: Value? {
        guard value.at("spec", "conversion", "strategy") == "Webhook" else { return nil }
        return value.at("spec", "conversion", "webhook")
    }

    /// Why the authorities that the webhook's server is known by are of no use; `nil` when they are, and without any.
    var authorityProblem: String? {
        guard let text = conversionWebhook?.at("clientConfig", "caBundle")?.string, !text.isEmpty else { return nil }
        return AuthorityBundle.problem(Base64.decode(text) ?? [])
    }

    /// What the objects are called, in whichever version.
    var home: ObjectLog.Stored {
        // No version: the place in the log is the same for all of them.
        ObjectLog.Stored(
            resource: GroupVersionResource(group: group, version: "", resource: names.plural),
            prefix: group + "/" + names.plural)
    }

    func isTrue(_ condition: String) -> Bool { self.condition(condition)?["status"] == "True" }

    func condition(_ type: String) -> Value? {
        (value.at("status", "conditions")?.array ?? []).first { $0["type"]?.string == type }
    }

    /// Says what of the definition decides how it is served.
    var fingerprint: String {
        let generation = value.at("metadata", "generation")?.integer ?? 0
        return "\(uid)/\(generation)/\(acceptedNames.value)"
    }

    static let cleanupFinalizer = "customresourcecleanup.apiextensions.k8s.io"
}

/// Where an object keeps what its scale shows, as field names down from the object.
struct ScalePaths: Hashable, Sendable {
    var spec: [String]
    var status: [String]
    /// Where the selector is, as text; `nil` when the scale shows none.
    var selector: [String]?

    /// Of a definition's `subresources.scale`.
    init(_ scale: Value) {
        func path(_ key: String) -> [String]? {
            guard let text = scale[key]?.string, !text.isEmpty else { return nil }
            return text.split(separator: ".").map(String.init)
        }
        spec = path("specReplicasPath") ?? ["spec", "replicas"]
        status = path("statusReplicasPath") ?? ["status", "replicas"]
        selector = path("labelSelectorPath")
    }
}
