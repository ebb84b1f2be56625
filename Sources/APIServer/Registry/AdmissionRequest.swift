import APIMachinery
import Client

/// What admission is asked about: who does what, how, to which object (`admission.k8s.io/v1.AdmissionRequest`).
///
/// Objects are in the version that is stored; ``requestResource`` and ``requestKind`` name the one that the client spoke.
struct AdmissionRequest: Sendable {
    let user: User
    let operation: WriteRequest.Verb
    /// Whether an update came as a patch.
    let isPatch: Bool
    /// What is written: the stored resource, and the kind of ``object``, which for some subresources is one of its own
    /// (`Scale`, `Binding`, `Eviction`, `TokenRequest`, `PodExecOptions`).
    let resource: GroupVersionResource
    let kind: GroupVersionKind
    let subresource: String?
    let requestResource: GroupVersionResource
    let requestKind: GroupVersionKind
    let namespace: String
    /// Empty for a creation of which the server makes the name, until it is made, and for the deletion of a collection.
    private(set) var name: String
    /// What will be written; `nil` for a deletion.
    var object: Value?
    /// What is there now; `nil` for a creation and a connection.
    let oldObject: Value?
    /// Who owns what of ``object`` and of ``oldObject``, which hold no `managedFields`; webhooks are shown it in them.
    /// Empty for forms of subresources, which have no owners.
    var owners = ManagedFieldsRecord()
    var oldOwners = ManagedFieldsRecord()
    let isDryRun: Bool
    private let writeOptions: WriteOptions
    private let deletion: DeletionOptions?
    /// Where warnings and audit annotations go.
    let notes: AdmissionNotes
    /// Who is to be asked again when webhooks change the object.
    var reinvocation = Reinvocation()
    /// The same for mutating policies.
    var policyReinvocation = Reinvocation()

    /// A write of an object. `kind` is the stored kind; a subresource with a kind of its own names it in `face`.
    init(
        _ write: WriteRequest, _ kind: GroupVersionKind, resource: GroupVersionResource, object: Value?,
        over oldObject: Value? = nil, face: GroupVersionKind? = nil, deletion: DeletionOptions? = nil
    ) {
        user = write.user
        operation = write.verb
        isPatch = write.isPatch
        self.resource = resource
        self.kind = face ?? kind
        subresource = write.target.subresource
        requestResource = write.target.resource
        if let face {
            requestKind = face
        } else if requestResource == resource {
            requestKind = kind
        } else {
            requestKind = GroupVersionKind(
                group: requestResource.group, version: requestResource.version, kind: kind.kind)
        }
        namespace = write.target.namespace
        name = write.isOfCollection ? "" : write.target.name
        if name.isEmpty, write.verb == .create { name = object?.at("metadata", "name")?.string ?? "" }
        self.object = object
        self.oldObject = oldObject
        isDryRun = write.options.isDryRun || deletion?.isDryRun == true
        writeOptions = write.options
        self.deletion = deletion
        notes = write.notes
    }

    /// The name of the object; of one that has none yet, what the name will begin with, as Kubernetes tells it in errors.
    var objectName: String {
        if !name.isEmpty { return name }
        let metadata = object?["metadata"]
        return metadata?["name"]?.string ?? metadata?["generateName"]?.string ?? ""
    }

    /// What the client's URL names, and the name of what is created.
    var target: Target {
        Target(requestResource, namespace: namespace, name: name, subresource: subresource)
    }

    /// Goes on with the object as it was made ready to be stored.
    mutating func proceed(with object: Value) {
        self.object = object
        if name.isEmpty { name = object.at("metadata", "name")?.string ?? "" }
    }

    /// Whether this is about the resource itself and not about one of its subresources.
    func isMain(_ resource: GroupVersionResource) -> Bool { self.resource == resource && subresource == nil }

    /// The options of the operation, as their kind of `meta.k8s.io/v1`; `nil` for a connection.
    var options: Value? {
        let kind: String
        switch operation {
        case .create: kind = "CreateOptions"
        case .update: kind = "UpdateOptions"
        case .delete: kind = "DeleteOptions"
        case .connect: return nil
        }
        var options: Value = ["apiVersion": "meta.k8s.io/v1", "kind": .string(kind)]
        if isDryRun { options["dryRun"] = ["All"] }
        if let deletion {
            options["gracePeriodSeconds"] = deletion.gracePeriodSeconds.map { .integer(Int64($0)) }
            options["propagationPolicy"] = deletion.propagation.map { .string($0.rawValue) }
            if let uid = deletion.preconditionUID { options[path: ["preconditions", "uid"]] = .string(uid) }
            if let version = deletion.preconditionVersion {
                options[path: ["preconditions", "resourceVersion"]] = .string(version)
            }
        } else if !writeOptions.fieldManager.isEmpty {
            options["fieldManager"] = .string(writeOptions.fieldManager)
        }
        return options
    }

    /// The 403 answer to this request.
    func forbidden(_ why: String, causes: [Status.Cause] = []) -> Status {
        .forbidden(resource, objectName, why, causes: causes)
    }
}
