import APIMachinery
import Client
import Datastore
import Support

/// The generic verbs on the objects of one resource: everything that is the same for all kinds.
///
/// A write runs through it in the order that DESIGN.md draws: defaults and strategy, admission, validation, log. One
/// file per verb: `+Create`, `+Update`, `+Delete`, `+List`.
final class ResourceStore: Sendable {
    let kind: ServedKind
    /// As clients know the resource to whom this store answers, which may be another one than it works in.
    let named: GroupVersionResource
    let log: ObjectLog
    let cache: ResourceCache
    /// The plug-ins that have to do with this resource.
    let admission: AdmissionChain
    let now: @Sendable () -> Timestamp
    let randomness: Randomness
    /// `nil` when objects are stored in the version that the store works in.
    let form: (any StoredForm)?

    init(
        _ kind: ServedKind, named: GroupVersionResource? = nil, log: ObjectLog, admission: AdmissionChain,
        now: @escaping @Sendable () -> Timestamp = { .now }, randomness: Randomness = .system,
        form: (any StoredForm)? = nil
    ) {
        guard let cache = log.cache(of: kind.home ?? kind.resource) else {
            preconditionFailure("the log was opened without \(kind.resource)")
        }
        self.kind = kind
        self.named = named ?? kind.resource
        self.log = log
        self.cache = cache
        self.admission = admission.narrowed(to: kind.resource)
        self.now = now
        self.randomness = randomness
        self.form = form
    }

    var resource: GroupVersionResource { kind.resource }
    /// Under what name the log keeps the objects.
    var home: GroupVersionResource { kind.home ?? kind.resource }

    func get(_ name: ObjectName) throws(Status) -> StoredObject {
        guard let object = cache.get(name) else { throw .notFound(named, name.name) }
        return object
    }

    /// An object of the cache in the version in which the store works.
    func present(_ object: StoredObject) async throws(Status) -> StoredObject {
        guard let form else { return object }
        if let present = form.present(object) { return present }
        return try await form.present([object]).first ?? object
    }

    /// Writes one version and returns it as it is stored. A lost compare-and-set is thrown as `conflict`.
    func commit(
        _ name: ObjectName, _ object: Value, _ managedFields: ManagedFieldsRecord, replacing current: StoredObject?,
        _ options: WriteOptions
    ) async throws(CommitFailure) -> StoredObject {
        var logged = object
        logged[path: ["metadata", "resourceVersion"]] = nil
        // Admission may have put some in; it does not decide who owns what.
        logged[path: ["metadata", "managedFields"]] = nil
        let shown = logged
        // JSON is bounded where it is read; messages of protobuf, and what expressions make, end here.
        guard shown.depth <= JSONLimits().depth else {
            throw .failed(.badRequest("the object nests deeper than \(JSONLimits().depth) levels"))
        }
        do throws(Status) {
            if let form { logged = try await form.stored(logged) }
        } catch {
            throw .failed(error)
        }
        let bytes = try Self.joined(logged, managedFields)
        // Admission and conversion may have taken their time.
        if current == nil, let refusal = kind.refusalOfNew() { throw .failed(refusal) }
        guard !options.isDryRun else {
            return try stored(try Self.joined(shown, managedFields), current?.revision ?? 0)
        }
        let revision: Revision
        do throws(DatastoreError) {
            revision = try await log.write(home, name, bytes, expected: current?.revision ?? 0)
        } catch {
            throw CommitFailure(error)
        }
        if logged["apiVersion"] == shown["apiVersion"], let cached = cache.get(name), cached.revision == revision {
            return cached
        }
        return try stored(try Self.joined(shown, managedFields), revision)
    }

    /// Removes the version `current`.
    func remove(_ current: StoredObject, isDryRun: Bool) async throws(CommitFailure) {
        guard !isDryRun else { return }
        do throws(DatastoreError) {
            _ = try await log.write(home, current.objectName, nil, expected: current.revision)
        } catch {
            throw CommitFailure(error)
        }
        kind.strategy.release(current.value)
    }

    private static func joined(
        _ object: Value, _ managedFields: ManagedFieldsRecord
    ) throws(CommitFailure) -> [UInt8] {
        do throws(JSONError) {
            return try managedFields.joined(to: object.json)
        } catch {
            throw .failed(.internalError("the object does not encode: \(error)"))
        }
    }

    private func stored(_ bytes: [UInt8], _ revision: Revision) throws(CommitFailure) -> StoredObject {
        do throws(JSONError) {
            return try StoredObject(logged: bytes, revision: revision)
        } catch {
            throw .failed(.internalError("the object does not encode: \(error)"))
        }
    }
}

/// Why a version was not written.
enum CommitFailure: Error {
    /// Another write came first.
    case lost
    case failed(Status)

    init(_ error: DatastoreError) {
        switch error {
        case .conflict: self = .lost
        case .full: self = .failed(.internalError("the disk that holds the cluster's state is full"))
        case .unavailable(let why): self = .failed(.internalError("the datastore is not available: \(why)"))
        case .corrupt(let what): self = .failed(.internalError("the datastore is damaged: \(what)"))
        case .compacted, .future: self = .failed(.internalError("the datastore refused a write: \(error)"))
        }
    }
}
