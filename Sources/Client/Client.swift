public import APIMachinery

/// The one way to the API for everything above it.
///
/// Two implementations: in-process (no HTTP, no encoding; authorisation and admission still apply) and HTTPS. A part
/// written against this protocol runs inside the server, on an agent, in the simulator or in a test, unchanged.
/// Every failure is the `Status` that the API answers with.
public protocol Client: Sendable {
    /// One object; `target.name` is not empty. A subresource (`scale`, `status`) is read in its own form.
    func get(_ target: Target) async throws(Status) -> StoredObject

    /// The objects of a resource, of all namespaces when `target.namespace` is empty.
    func list(_ target: Target, _ options: ListOptions) async throws(Status) -> ObjectList

    /// The changes after `options.revision`, in order. Fails with 410 `Expired` when that is too old.
    func watch(_ target: Target, _ options: ListOptions) async throws(Status) -> WatchStream

    /// Creates an object, or posts to a subresource (`binding`, `eviction`, `token`), and returns what the API answers.
    @discardableResult
    func create(_ target: Target, _ object: Value, _ options: WriteOptions) async throws(Status) -> StoredObject

    /// Replaces an object, or its subresource. With `metadata.resourceVersion` it is a compare-and-set.
    @discardableResult
    func update(_ target: Target, _ object: Value, _ options: WriteOptions) async throws(Status) -> StoredObject

    /// Changes an object, or its subresource, by a patch.
    @discardableResult
    func patch(_ target: Target, _ patch: Patch, _ options: WriteOptions) async throws(Status) -> StoredObject

    /// Deletes an object. Returns its last state, or `nil` when the API answers with a bare success.
    @discardableResult
    func delete(_ target: Target, _ options: DeletionOptions) async throws(Status) -> StoredObject?

    /// A live set of the objects of a resource that `scope` names, complete when this returns.
    ///
    /// In the server it is the server's own cache: nobody keeps a copy. Over HTTPS it is kept by list and watch.
    func observe(_ resource: GroupVersionResource, _ scope: ObservationScope) async throws(Status) -> any ObjectSet
}

/// What a request is about, as its URL names it.
public struct Target: Hashable, Sendable, CustomStringConvertible {
    public var resource: GroupVersionResource
    /// Empty for cluster-scoped resources, and for all namespaces.
    public var namespace: String
    /// Empty for the collection.
    public var name: String
    public var subresource: String?

    public init(
        _ resource: GroupVersionResource, namespace: String = "", name: String = "", subresource: String? = nil
    ) {
        self.resource = resource
        self.namespace = namespace
        self.name = name
        self.subresource = subresource
    }

    public init(_ resource: GroupVersionResource, _ name: ObjectName, subresource: String? = nil) {
        self.init(resource, namespace: name.namespace, name: name.name, subresource: subresource)
    }

    public var objectName: ObjectName { ObjectName(namespace: namespace, name: name) }

    public var description: String {
        var path = resource.apiPath
        if !namespace.isEmpty { path += "/namespaces/" + namespace }
        path += "/" + resource.resource
        if !name.isEmpty { path += "/" + name }
        return subresource.map { path + "/" + $0 } ?? path
    }
}

/// Which objects a list or watch returns.
public struct ListOptions: Hashable, Sendable {
    /// In the syntax of the API: `app=web,tier!=cache`.
    public var labelSelector = ""
    public var fieldSelector = ""
    /// Watch: begin after this revision; `nil` begins with the present state as additions.
    public var revision: Int64?
    /// List: at most so many; the rest by ``continueToken``.
    public var limit: Int?
    public var continueToken: String?

    public init(
        labelSelector: String = "", fieldSelector: String = "", revision: Int64? = nil, limit: Int? = nil,
        continueToken: String? = nil
    ) {
        self.labelSelector = labelSelector
        self.fieldSelector = fieldSelector
        self.revision = revision
        self.limit = limit
        self.continueToken = continueToken
    }
}

/// A list's answer: a page of objects as of one revision.
public struct ObjectList: Sendable {
    public var items: [StoredObject]
    public var revision: Int64
    public var continueToken: String?

    public init(items: [StoredObject], revision: Int64, continueToken: String? = nil) {
        self.items = items
        self.revision = revision
        self.continueToken = continueToken
    }
}

/// How a write is made.
public struct WriteOptions: Hashable, Sendable {
    /// Do everything but the write (`dryRun=All`).
    public var isDryRun = false
    /// The name under which `managedFields` records the change.
    public var fieldManager = ""

    public init(isDryRun: Bool = false, fieldManager: String = "") {
        self.isDryRun = isDryRun
        self.fieldManager = fieldManager
    }
}

/// A change to an object in one of the API's patch forms.
public enum Patch: Hashable, Sendable {
    /// RFC 6902.
    case json([Value])
    /// RFC 7386.
    case merge(Value)
    /// API conventions, "Strategic Merge Patch".
    case strategicMerge(Value)
    /// Server-side apply (KEP-555) of a configuration, under ``WriteOptions/fieldManager``, which must be given. The
    /// object is created if there is none. With `force` the fields of other managers are taken over.
    case apply(Value, force: Bool)
}

/// How an object is deleted (`meta/v1.DeleteOptions`).
public struct DeletionOptions: Hashable, Sendable {
    public var gracePeriodSeconds: Int?
    public var propagation: Propagation?
    /// Delete only the object with this uid, or at this version: else 409 `Conflict`.
    public var preconditionUID: String?
    /// Compared as text, as everything else about versions is opaque to clients.
    public var preconditionVersion: String?
    public var isDryRun = false

    public enum Propagation: String, Hashable, Sendable {
        case orphan = "Orphan"
        case background = "Background"
        case foreground = "Foreground"
    }

    public init(
        gracePeriodSeconds: Int? = nil, propagation: Propagation? = nil, preconditionUID: String? = nil,
        preconditionVersion: String? = nil, isDryRun: Bool = false
    ) {
        self.gracePeriodSeconds = gracePeriodSeconds
        self.propagation = propagation
        self.preconditionUID = preconditionUID
        self.preconditionVersion = preconditionVersion
        self.isDryRun = isDryRun
    }
}
