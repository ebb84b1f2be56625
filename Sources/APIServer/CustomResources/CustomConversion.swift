import API
import APIMachinery

/// Between the versions of a custom resource: objects lie in the log in the version that was the stored one when they
/// were written, and are shown in the one that a client speaks.
final class CustomConversion: Sendable {
    /// The version in which objects are written.
    let storage: String
    /// All versions of the definition, served or not, by name.
    let versions: [String: CustomVersion]
    private let webhook: ConversionWebhook?
    private let heads: [String: [UInt8]]

    init(storage: String, versions: [String: CustomVersion], webhook: ConversionWebhook?) {
        self.storage = storage
        self.versions = versions
        self.webhook = webhook
        heads = versions.mapValues { Self.head($0.definition.groupVersionKind.apiVersion) }
    }

    /// How the canonical bytes of an object in a version begin, if no field's name comes before `apiVersion`.
    private static func head(_ apiVersion: String) -> [UInt8] { Array("\(start)\"\(apiVersion)\"".utf8) }

    private static let start = "{\"apiVersion\":"
    private static let startBytes = Array(start.utf8)

    /// Whether objects in another version than their own are made by a server outside.
    var isRemote: Bool { webhook != nil }

    /// Whether the object lies in the log as it would be written now.
    func isCurrent(_ object: StoredObject) -> Bool { isIn(storage, object) }

    private func isIn(_ version: String, _ object: StoredObject) -> Bool {
        guard let head = heads[version], let own = versions[version] else { return false }
        if object.bytes.starts(with: Self.startBytes) { return object.bytes.starts(with: head) }
        // Some field's name comes before `apiVersion`.
        return object.field("apiVersion") == own.definition.groupVersionKind.apiVersion
    }

    // MARK: Reading

    /// An object in a version, when no server outside has to be asked for it.
    func present(_ object: StoredObject, in version: String) -> StoredObject? {
        if isIn(version, object) { return object }
        guard webhook == nil, let wanted = versions[version] else { return nil }
        let apiVersion = wanted.definition.groupVersionKind.apiVersion
        if let source = versions.first(where: { isIn($0.key, object) }), wanted.schema.isSame(as: source.value.schema),
            let head = heads[source.key], object.bytes.starts(with: head)
        {
            return object.replacing(bytes: Self.head(apiVersion) + object.bytes.dropFirst(head.count))
        }
        return StoredObject(received: renamed(object.value, to: wanted), managedFields: object.managedFields)
    }

    /// Objects in a version, each as `present(_:in:)` says; those that only the webhook can tell with one call of it.
    func present(_ objects: [StoredObject], in version: String) async throws(Status) -> [StoredObject] {
        var result = objects.map { present($0, in: version) }
        let missing = result.indices.filter { result[$0] == nil }
        guard !missing.isEmpty else { return result.compactMap(\.self) }
        let converted = try await convert(missing.map { objects[$0].value }, to: version)
        for (index, value) in zip(missing, converted) {
            result[index] = StoredObject(received: value, managedFields: objects[index].managedFields)
        }
        return result.compactMap(\.self)
    }

    /// The None strategy: only the version's name changes, and what the new one does not know goes.
    private func renamed(_ object: Value, to version: CustomVersion) -> Value {
        var renamed = object
        renamed["apiVersion"] = .string(version.definition.groupVersionKind.apiVersion)
        return version.pruned(renamed)
    }

    // MARK: Writing

    /// An object of a client in the version in which it will be written.
    func stored(_ object: Value) async throws(Status) -> Value {
        guard let version = versions[storage] else { return object }
        let apiVersion = version.definition.groupVersionKind.apiVersion
        guard object["apiVersion"]?.string != apiVersion else { return object }
        // With the defaults that reading the object from the log would add.
        return try await convert([object], to: storage).first.map(version.shaped) ?? object
    }

    /// Objects of other versions in the one of this name; as they are when the definition has no such version.
    func converted(_ objects: [Value], to apiVersion: String) async throws(Status) -> [Value] {
        let version = versions.first { $0.value.definition.groupVersionKind.apiVersion == apiVersion }
        guard let version else { return objects }
        return try await convert(objects, to: version.key)
    }

    private func convert(_ objects: [Value], to version: String) async throws(Status) -> [Value] {
        guard let wanted = versions[version] else { return objects }
        guard let webhook else { return objects.map { renamed($0, to: wanted) } }
        let kind = wanted.definition.groupVersionKind
        return try await webhook.convert(objects, to: kind).map { wanted.pruned($0) }
    }

    /// An object of the log as the present schema of its version would have written it: without what the schema does not
    /// know, with its defaults.
    func normalised(_ object: StoredObject) -> StoredObject {
        guard let own = versions.first(where: { isIn($0.key, object) })?.value else { return object }
        let value = object.value
        let shaped = own.shaped(value)
        return shaped == value ? object : object.replacing(bytes: shaped.json)
    }
}

/// The form of a resource's objects in one of its versions, for the store that works in that version.
struct CustomForm: StoredForm {
    let conversion: CustomConversion
    let version: String

    var isRemote: Bool { conversion.isRemote }

    func isCurrent(_ object: StoredObject) -> Bool { conversion.isCurrent(object) }

    func present(_ object: StoredObject) -> StoredObject? { conversion.present(object, in: version) }

    func present(_ objects: [StoredObject]) async throws(Status) -> [StoredObject] {
        try await conversion.present(objects, in: version)
    }

    func stored(_ object: Value) async throws(Status) -> Value { try await conversion.stored(object) }

    func converted(_ objects: [Value], to apiVersion: String) async throws(Status) -> [Value] {
        try await conversion.converted(objects, to: apiVersion)
    }
}
