/// One version of one object, frozen: its canonical JSON bytes and the few fields that look-ups need.
///
/// The server's cache holds every object once in this form; GET, LIST and WATCH write ``bytes`` to the socket as they
/// are, controllers read the same instance. Whoever wants to look inside parses ``value``.
public final class StoredObject: Sendable {
    /// The whole object as canonical JSON, with `metadata.resourceVersion`.
    public let bytes: [UInt8]
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

    /// Takes an object's canonical JSON as the log holds it, without `resourceVersion`, and splices that in.
    public init(logged json: [UInt8], revision: Int64) throws(JSONError) {
        let scan = try MetadataScan(json)
        bytes = scan.splicing(resourceVersion: revision, into: json)
        self.revision = revision
        name = scan.name
        namespace = scan.namespace
        uid = scan.uid
        labels = scan.labels
        owners = scan.owners
        isDeleting = scan.isDeleting
    }

    /// Takes an object as a server sent it, `resourceVersion` included.
    public init(received value: Value) {
        bytes = value.json
        let metadata = value["metadata"] ?? .emptyObject
        revision = metadata["resourceVersion"]?.string.flatMap { Int64($0) } ?? 0
        name = metadata["name"]?.string ?? ""
        namespace = metadata["namespace"]?.string ?? ""
        uid = metadata["uid"]?.string ?? ""
        labels = metadata["labels"]?.fields ?? Fields()
        owners = (metadata["ownerReferences"]?.array ?? []).map(Owner.init)
        isDeleting = metadata["deletionTimestamp"] != nil
    }

    /// The same version of the object in other bytes, its metadata as it is.
    public func replacing(bytes: [UInt8]) -> StoredObject { StoredObject(self, bytes) }

    private init(_ object: StoredObject, _ bytes: [UInt8]) {
        self.bytes = bytes
        (revision, name, namespace, uid) = (object.revision, object.name, object.namespace, object.uid)
        (labels, owners, isDeleting) = (object.labels, object.owners, object.isDeleting)
    }

    /// The object as a tree. Parsed anew at each call: keep the result while you work on it.
    public var value: Value {
        do { return try Value(json: bytes) } catch {
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
