/// One version of one object, frozen: its canonical JSON bytes and the few fields that look-ups need.
///
/// The server's cache holds every object once in this form; GET, LIST and WATCH write ``append(to:)`` to the socket,
/// controllers read the same instance. Whoever wants to look inside parses ``value``.
public final class StoredObject: Sendable {
    /// The object as canonical JSON, with `metadata.resourceVersion` and without `metadata.managedFields`.
    public let bytes: [UInt8]
    /// Who owns what of the object. Only answers to clients show it.
    public let managedFields: ManagedFieldsRecord
    /// Where the owners belong in ``bytes``.
    private let joint: Int
    /// The revision of the log that wrote this version.
    public let revision: Int64
    public let name: String
    /// Empty for cluster-scoped objects.
    public let namespace: String
    public let uid: String
    public let labels: Fields
    public let owners: [Owner]
    public let isDeleting: Bool

    /// One entry of `metadata.ownerReferences`, as far as look-ups need it.
    public struct Owner: Hashable, Sendable {
        public var uid: String
        public var isController: Bool

        public init(uid: String, isController: Bool) {
            self.uid = uid
            self.isController = isController
        }
    }

    /// Takes an object's canonical JSON as the log holds it, without `resourceVersion`, and splices that in; at revision 0
    /// there is none, as in the answer to a dry run.
    public init(logged json: [UInt8], revision: Int64) throws(JSONError) {
        let scan = try MetadataScan(json)
        bytes = scan.splicing(resourceVersion: revision, into: json)
        managedFields = scan.managedFields
        joint = Self.joint(managedFields, bytes)
        self.revision = revision
        name = scan.name
        namespace = scan.namespace
        uid = scan.uid
        labels = scan.labels
        owners = scan.owners
        isDeleting = scan.isDeleting
    }

    /// Takes an object as a server sent it, `resourceVersion` included. `managedFields` are those given, or those that
    /// came with the object.
    public init(received value: Value, managedFields: ManagedFieldsRecord? = nil) {
        let (bare, record) = Self.parted(value, managedFields)
        bytes = bare.json
        joint = Self.joint(record, bytes)
        self.managedFields = joint == 0 ? ManagedFieldsRecord() : record
        let metadata = value["metadata"] ?? .emptyObject
        revision = metadata["resourceVersion"]?.string.flatMap { Int64($0) } ?? 0
        name = metadata["name"]?.string ?? ""
        namespace = metadata["namespace"]?.string ?? ""
        uid = metadata["uid"]?.string ?? ""
        labels = metadata["labels"]?.fields ?? Fields()
        owners = (metadata["ownerReferences"]?.array ?? []).map(Owner.init)
        isDeleting = metadata["deletionTimestamp"] != nil
    }

    /// The same version of the object in other bytes, its metadata as it is; the bytes are without `managedFields`.
    public func replacing(bytes: [UInt8]) -> StoredObject { StoredObject(self, bytes) }

    private init(_ object: StoredObject, _ bytes: [UInt8]) {
        self.bytes = bytes
        (revision, name, namespace, uid) = (object.revision, object.name, object.namespace, object.uid)
        (labels, owners, isDeleting) = (object.labels, object.owners, object.isDeleting)
        managedFields = object.managedFields
        joint = Self.joint(managedFields, bytes)
    }

    /// Where the owners belong; 0 when there are none, or no place for them.
    private static func joint(_ managedFields: ManagedFieldsRecord, _ bytes: [UInt8]) -> Int {
        guard !managedFields.isEmpty, let offset = try? ManagedFieldsRecord.offset(in: bytes) else { return 0 }
        return offset
    }

    private static func parted(_ value: Value, _ given: ManagedFieldsRecord?) -> (Value, ManagedFieldsRecord) {
        guard let list = value.at("metadata", "managedFields") else { return (value, given ?? ManagedFieldsRecord()) }
        var bare = value
        bare[path: ["metadata", "managedFields"]] = nil
        let own = (try? ManagedFields(list)).map { ManagedFieldsRecord($0) }
        return (bare, given ?? own ?? ManagedFieldsRecord())
    }

    /// Appends the whole object as canonical JSON, `managedFields` included: what clients are sent.
    public func append(to buffer: inout [UInt8]) {
        guard !managedFields.isEmpty else {
            buffer += bytes
            return
        }
        managedFields.join(bytes, at: joint, into: &buffer)
    }

    /// The whole object as canonical JSON, `managedFields` included.
    public var wholeBytes: [UInt8] {
        guard !managedFields.isEmpty else { return bytes }
        var buffer: [UInt8] = []
        buffer.reserveCapacity(bytes.count + 512)
        append(to: &buffer)
        return buffer
    }

    /// The whole object as a tree, `managedFields` included.
    public var wholeValue: Value {
        var value = value
        if !managedFields.isEmpty { value[path: ["metadata", "managedFields"]] = managedFields.value }
        return value
    }

    /// The object as a tree, without `managedFields`. Parsed anew at each call: keep the result while you work on it.
    public var value: Value {
        do { return try Value(json: bytes, limits: .own) } catch {
            preconditionFailure("a stored object is canonical JSON by construction: \(error)")
        }
    }

    public var objectName: ObjectName { ObjectName(namespace: namespace, name: name) }

    /// The uid of the owner that manages this object, if there is one.
    public var controllerUID: String? { owners.first(where: \.isController)?.uid }
}

extension StoredObject.Owner {
    init(_ reference: Value) {
        self.init(uid: reference["uid"]?.string ?? "", isController: reference["controller"]?.bool ?? false)
    }
}
