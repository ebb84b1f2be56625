import APIMachinery
import Client
import Support

extension ResourceStore {
    /// How often a name is made from `generateName` before the clash is reported, as Kubernetes does.
    private static let nameAttempts = 8

    /// Creates an object from the client's version, which was decoded, pruned and defaulted. `managedFields` say who
    /// owns what of it.
    func create(
        _ proposed: Value, _ request: WriteRequest, managedFields: ManagedFieldsRecord = ManagedFieldsRecord()
    ) async throws(Status) -> StoredObject {
        let isNamed = !(proposed.at("metadata", "name")?.string ?? "").isEmpty
        var attempt = 1
        while true {
            do throws(Status) {
                return try await createOnce(proposed, request, managedFields)
            } catch {
                guard error.isAlreadyExists, !isNamed else { throw error }
                guard attempt < Self.nameAttempts else { throw error.ofGeneratedName }
                attempt += 1
            }
        }
    }

    private func createOnce(
        _ proposed: Value, _ request: WriteRequest, _ managedFields: ManagedFieldsRecord
    ) async throws(Status) -> StoredObject {
        var object = proposed
        try prepareMetadata(&object, request)
        OwnerDuplicates.remove(from: &object, .inRequest, request.notes)
        if kind.hasStatus, !kind.keepsStatusOnCreate { object["status"] = kind.firstStatus }
        var asked = AdmissionRequest(request, kind.groupVersionKind, resource: resource, object: object)
        asked.owners = managedFields
        if !request.isAdmitted { object = try await admit(&asked, keepingMetadataOf: object) }
        nameIfUnnamed(&object)
        try await kind.strategy.prepareForCreate(&object, request)
        asked.proceed(with: object)
        defer { admission.forget(asked) }
        do throws(Status) {
            let first = kind.validation.validateCreate(object, asked: request.target.resource)
            try check(object, kind.validation.validate(object) + first)
            for text in kind.validation.warnings(object, replacing: nil) { request.notes.warn(text) }
            if !request.isAdmitted { try await admission.validate(asked) }
            let stored = try await commitNew(object, request, managedFields)
            if request.options.isDryRun { kind.strategy.release(object) }
            return stored
        } catch {
            kind.strategy.release(object)
            throw error
        }
    }

    /// Makes the name from `generateName`: after those who may change the object, before those who may refuse it.
    private func nameIfUnnamed(_ object: inout Value) {
        guard (object.at("metadata", "name")?.string ?? "").isEmpty,
            let base = object.at("metadata", "generateName")?.string, !base.isEmpty
        else { return }
        var random = randomness
        object[path: ["metadata", "name"]] = .string(GeneratedName.make(base: base, using: &random))
    }

    /// The new object as admission completes it. What the system owns stays as it was set.
    private func admit(
        _ asked: inout AdmissionRequest, keepingMetadataOf prepared: Value
    ) async throws(Status) -> Value {
        try await admission.admit(&asked)
        guard var object = asked.object, object != prepared else { return prepared }
        for key in ["uid", "creationTimestamp", "generation", "namespace"] {
            object[path: ["metadata", key]] = prepared.at("metadata", key)
        }
        OwnerDuplicates.remove(from: &object, .afterAdmission, asked.notes)
        object["apiVersion"] = prepared["apiVersion"]
        object["kind"] = prepared["kind"]
        if kind.hasStatus, !kind.keepsStatusOnCreate { object["status"] = kind.firstStatus }
        return object
    }

    private func commitNew(
        _ object: Value, _ request: WriteRequest, _ managedFields: ManagedFieldsRecord
    ) async throws(Status) -> StoredObject {
        let name = ObjectName(
            namespace: object.at("metadata", "namespace")?.string ?? "",
            name: object.at("metadata", "name")?.string ?? "")
        // Said early, so that a dry run says it too.
        if let present = cache.get(name) { throw taken(by: present) }
        do throws(CommitFailure) {
            return try await commit(name, object, managedFields, replacing: nil, request.options)
        } catch {
            switch error {
            case .lost: throw cache.get(name).map(taken) ?? .alreadyExists(named, name.name)
            case .failed(let status): throw status
            }
        }
    }

    /// The name may become free: whoever waits for that looks for these words.
    private func taken(by present: StoredObject) -> Status {
        var status = Status.alreadyExists(named, present.name)
        if present.isDeleting { status.message = "object is being deleted: " + status.message }
        return status
    }

    /// Sets what the system owns (API conventions, "Metadata").
    private func prepareMetadata(_ object: inout Value, _ request: WriteRequest) throws(Status) {
        var metadata = object["metadata"] ?? .emptyObject
        if let version = metadata["resourceVersion"]?.string, !version.isEmpty, version != "0" {
            throw .badRequest("resourceVersion should not be set on objects to be created")
        }
        for key in ["deletionGracePeriodSeconds", "deletionTimestamp", "managedFields", "resourceVersion", "selfLink"] {
            metadata[key] = nil
        }
        var random = randomness
        metadata["uid"] = .string(GeneratedName.uuid(using: &random))
        metadata["creationTimestamp"] = .string(now().description)
        metadata["generation"] = kind.countsGenerations ? 1 : nil
        if kind.isNamespaced {
            metadata["namespace"] = .string(request.target.namespace)
        } else {
            metadata["namespace"] = nil
        }
        object["metadata"] = metadata
        object["apiVersion"] = .string(resource.apiVersion)
        object["kind"] = .string(kind.kind)
    }

    /// Turns field errors into the 422 that clients know.
    func check(_ object: Value, _ errors: [FieldError]) throws(Status) {
        guard !errors.isEmpty else { return }
        throw .invalid(kind.groupVersionKind, object.at("metadata", "name")?.string ?? "", errors)
    }
}

extension Status {
    /// The answer when every name that was made is taken: it may be tried again.
    fileprivate var ofGeneratedName: Status {
        var status = self
        status.message += ", the server was not able to generate a unique name for the object"
        status.details?.retryAfterSeconds = 1
        return status
    }
}
