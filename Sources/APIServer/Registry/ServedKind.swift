import APIMachinery
import Client
import Support

/// A resource as the registry serves it: the facts of its table row, and its strategy.
struct ServedKind: Sendable {
    /// The resource in the version that is stored, or for a custom resource in the one that the store works in.
    var resource: GroupVersionResource
    /// Under what name the log keeps the objects, if that is not ``resource``.
    var home: GroupVersionResource?
    var kind: String
    var isNamespaced: Bool
    /// Whether the status is changed by its own subresource only.
    var hasStatus: Bool
    var countsGenerations: Bool
    /// The status of an object that nobody reported of: the zero values that Go always writes, as `{"replicas": 0}`.
    /// Clients read it at once.
    var firstStatus: Value?
    /// Whether a client may create the object with a status; kubelets register their nodes so.
    var keepsStatusOnCreate = false
    /// Whether PUT on a name that does not exist creates it.
    var allowsCreateOnUpdate = false
    /// Whether PUT without `resourceVersion` replaces whatever is there.
    var allowsUnconditionalUpdate = true
    var defaultPropagation: DeletionOptions.Propagation? = .background
    var strategy: any ResourceStrategy
    var validation: any ObjectValidation = NoValidation()
    /// Why no object of the kind may come any more; `nil` while they may. Asked at the last moment before one is written.
    var refusalOfNew: @Sendable () -> Status? = { nil }

    var groupVersionKind: GroupVersionKind {
        GroupVersionKind(group: resource.group, version: resource.version, kind: kind)
    }
}

/// What is wrong with objects of a kind. Pure.
protocol ObjectValidation: Sendable {
    /// What is wrong with a decoded, completed object. Empty when it is valid.
    func validate(_ object: Value) -> [FieldError]

    /// What is wrong with an object that takes the place of `current`; a kind may tolerate what was wrong before, and
    /// note it.
    func validate(_ object: Value, replacing current: Value, _ notes: AdmissionNotes) -> [FieldError]

    /// What is wrong with creating `object`, beyond what is wrong with it at any time. `asked` is the resource as the
    /// client named it: one version may be stricter than another.
    func validateCreate(_ object: Value, asked: GroupVersionResource) -> [FieldError]

    /// What is wrong with changing `current` into `object`, beyond what is wrong with `object` itself.
    func validateUpdate(_ object: Value, over current: Value, asked: GroupVersionResource) -> [FieldError]

    /// What clients are warned of who write a good object; `current` is the one that it takes the place of.
    func warnings(_ object: Value, replacing current: Value?) -> [String]
}

extension ObjectValidation {
    func validate(_ object: Value, replacing current: Value, _ notes: AdmissionNotes) -> [FieldError] {
        validate(object)
    }
    func validateCreate(_ object: Value, asked: GroupVersionResource) -> [FieldError] { [] }
    func warnings(_ object: Value, replacing current: Value?) -> [String] { [] }
}

/// Of kinds for which every object that decodes is valid.
struct NoValidation: ObjectValidation {
    func validate(_ object: Value) -> [FieldError] { [] }
    func validateUpdate(_ object: Value, over current: Value, asked: GroupVersionResource) -> [FieldError] { [] }
}

/// What is particular to one kind, where its table cannot say it.
///
/// Each method has a default that does nothing, so a strategy says only what is special.
protocol ResourceStrategy: Sendable {
    /// Fills in what the system decides at creation: allocated addresses, first status. Runs after admission has
    /// completed the object, before it is validated.
    func prepareForCreate(_ object: inout Value, _ request: WriteRequest) async throws(Status)

    /// Puts back what an update must not touch. Runs after admission has completed the object, before it is validated.
    func prepareForUpdate(_ object: inout Value, over current: Value, _ request: WriteRequest) async throws(Status)

    /// Adds what holds the object back until its deletion is finished. Asked once, before the deletion begins.
    func beginDeletion(_ object: inout Value)

    /// The seconds that deleting `object` shall take at least.
    func gracePeriod(for object: Value, _ options: DeletionOptions) -> Int

    /// Notes in the object what beginning its deletion means for this kind.
    func mark(_ object: inout Value)

    /// Gives back what creation took: the object is gone from the log, or was not written.
    func release(_ object: Value)

    /// Gives back what `unused` took and `kept` does not hold: the one was replaced by the other, or the other was not
    /// written over the one.
    func release(_ unused: Value, keeping kept: Value)
}

extension ResourceStrategy {
    func prepareForCreate(_ object: inout Value, _ request: WriteRequest) async throws(Status) {}
    func prepareForUpdate(_ object: inout Value, over current: Value, _ request: WriteRequest) async throws(Status) {}
    func beginDeletion(_ object: inout Value) {}
    func gracePeriod(for object: Value, _ options: DeletionOptions) -> Int { 0 }
    func mark(_ object: inout Value) {}
    func release(_ object: Value) {}
    func release(_ unused: Value, keeping kept: Value) {}
}

/// The strategy of kinds that have nothing special.
struct PlainStrategy: ResourceStrategy {}

/// Who writes what, and how.
struct WriteRequest: Sendable {
    var user: User
    var target: Target
    var options: WriteOptions
    var verb: Verb
    /// Whether it came as a change of what is there, not as a whole new version: rights may tell the two apart.
    var isPatch = false
    /// What admission has to say to the client and to the audit log.
    var notes = AdmissionNotes()
    /// Whether admission has had its say in another form, as for the node of a pod in its `Binding`.
    var isAdmitted = false
    /// Whether the object is one of a collection that is deleted: its name is not what the client asked for, and
    /// admission is told none, as in Kubernetes.
    var isOfCollection = false

    enum Verb: String, Sendable {
        case create = "CREATE"
        case update = "UPDATE"
        case delete = "DELETE"
        case connect = "CONNECT"
    }
}
