import API
import APIMachinery
import PKI
import Support

/// One version of a custom resource as it is read, judged and shown: made from its definition.
final class CustomVersion: Sendable {
    let definition: ResourceDefinition
    let schema: StructuralSchema
    let rules: CustomRules
    let scale: ScalePaths?
    /// What clients that use the version are warned of; `nil` when it is not deprecated.
    let warning: String?
    /// Whether the definition is being deleted: no object comes any more.
    let isTerminating: Bool
    /// Reads the whole schema of a version from where the definition is stored.
    private let source: @Sendable (String) -> Value?

    private static let verbs = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"]
    private static let subresourceVerbs = ["get", "patch", "update"]

    init(
        _ version: CustomDefinition.Version, of definition: CustomDefinition, metadata: TypeSchema,
        schema source: @escaping @Sendable (String) -> Value?
    ) {
        self.source = source
        isTerminating = definition.isDeleting
        let names = definition.acceptedNames
        let resource = GroupVersionResource(
            group: definition.group, version: version.name, resource: names.plural)
        let kind = GroupVersionKind(group: definition.group, version: version.name, kind: names.kind)
        schema = StructuralSchema(version.schema, kind: names.kind, metadata: metadata)
        rules = CustomRules(schema.root)
        scale = version.scale
        warning = Self.warning(version, kind, definition)
        var subresources: [ResourceDefinition.Subresource] = []
        if version.hasStatus {
            subresources.append(
                ResourceDefinition.Subresource(name: "status", kind: kind, verbs: Self.subresourceVerbs, type: nil))
        }
        if scale != nil {
            subresources.append(
                ResourceDefinition.Subresource(
                    name: "scale", kind: Scale.kind, verbs: Self.subresourceVerbs, type: Scale.type))
        }
        let stored = GroupVersionKind(
            group: definition.group, version: definition.storageVersion?.name ?? version.name, kind: names.kind)
        self.definition = ResourceDefinition(
            custom: resource, kind: names.kind, singular: names.singular, shortNames: names.shortNames,
            categories: names.categories, isNamespaced: definition.isNamespaced, verbs: Self.verbs,
            subresources: subresources, storageVersionHash: StorageVersionHash.of(stored),
            fieldSelectors: version.selectableFields,
            columns: ColumnDefinition.custom(version.value["additionalPrinterColumns"]?.array ?? []))
    }

    /// `versions` are the names that clients should use instead.
    private static func warning(
        _ version: CustomDefinition.Version, _ kind: GroupVersionKind, _ definition: CustomDefinition
    ) -> String? {
        guard version.value["deprecated"] == true else { return nil }
        if let text = version.value["deprecationWarning"]?.string { return text }
        let name = "\(kind.apiVersion) \(kind.kind) is deprecated"
        let better = definition.servedVersions.first {
            $0.value["deprecated"] != true && VersionPriority($0.name) > VersionPriority(version.name)
        }
        return better.map { "\(name); use \(kind.group)/\($0.name) \(kind.kind)" } ?? name
    }

    /// The schema as the definition has it, descriptions and all; `nil` when the definition has gone meanwhile.
    var fullSchema: Value? { source(definition.resource.version) }

    // MARK: Objects

    /// Reads a client's object: checks that it is of the kind that the URL names, drops what the schema does not know and
    /// fills in defaults.
    func decode(
        _ body: Value, _ validation: FieldValidation, bodyProblems: BodyProblems = BodyProblems()
    ) throws(ObjectDecoder.Refusal) -> (Value, warnings: [String]) {
        let kind = definition.groupVersionKind
        try checkKind(body, kind)
        var object = body
        object["apiVersion"] = .string(kind.apiVersion)
        object["kind"] = .string(kind.kind)
        var unknown: [String] = []
        schema.shape(&object, unknownFields: &unknown)
        if let metadata = body["metadata"], let type = metadataType {
            var inner: [String] = []
            do throws(DecodingError) {
                object["metadata"] = try type.decode(metadata, unknownFields: &inner)
            } catch {
                throw ObjectDecoder.Refusal(kind, error.description)
            }
            if !inner.isEmpty { unknown = inner.map { "metadata." + $0 } + unknown }
        }
        let problems = validation == .ignore ? [] : bodyProblems.all(unknown: unknown)
        if validation == .strict, !problems.isEmpty {
            throw ObjectDecoder.Refusal(kind, "strict decoding error: " + problems.joined(separator: ", "))
        }
        return (object, validation == .warn ? ObjectDecoder.warnings(of: problems) : [])
    }

    /// Nothing but its body says what a custom object is, so that it must say both its version and its kind.
    private func checkKind(_ body: Value, _ kind: GroupVersionKind) throws(ObjectDecoder.Refusal) {
        guard body.fields != nil else {
            throw ObjectDecoder.Refusal(kind, "json: cannot unmarshal \(body.kindName) into an object")
        }
        guard let name = body["kind"]?.string, !name.isEmpty else {
            throw ObjectDecoder.Refusal(kind, "Object 'Kind' is missing in '\(body)'")
        }
        let given = body["apiVersion"]?.string ?? ""
        guard given == kind.apiVersion else {
            throw ObjectDecoder.Refusal(
                "the API version in the data (\(given)) does not match the expected API version (\(kind.apiVersion))")
        }
        if name != kind.kind {
            var refusal = ObjectDecoder.Refusal(kind, "must be \(kind.kind)")
            refusal.status = .invalid(
                kind, body.at("metadata", "name")?.string ?? "",
                [.invalid("kind", value: .string(name), "must be \(kind.kind)")])
            throw refusal
        }
    }

    private var metadataType: TypeSchema? {
        guard case .object(let type)? = schema.type.field(named: "metadata")?.kind else { return nil }
        return type
    }

    /// An object in this version that was shaped by an older schema, by the present one.
    func shaped(_ object: Value) -> Value {
        var object = object
        var unknown: [String] = []
        schema.shape(&object, unknownFields: &unknown)
        return object
    }

    /// An object that came from another version, without what this one does not know. No defaults are filled in.
    func pruned(_ object: Value) -> Value {
        var object = object
        schema.prune(&object)
        return object
    }
}

/// What clients compare to see whether two resources store the same kind (KEP-1685).
enum StorageVersionHash {
    static func of(_ kind: GroupVersionKind) -> String {
        let digest = Digest.sha256("\(kind.group)/\(kind.version)/\(kind.kind)".utf8)
        return Base64.encode(Array(digest.prefix(8)))
    }
}
