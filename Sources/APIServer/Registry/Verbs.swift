import API
import APIMachinery
import Client
import Support
import Synchronization

/// The verbs of the API as calls: on every resource, in the name of who asks, decoded, admitted and validated.
///
/// Both doors lead here: the HTTP front and the in-process client. Authorisation has happened before, at the door.
struct Verbs: Sendable {
    let registry: Registry
    let connections: any ConnectionProxy
    /// What answers POST where nothing is stored: reviews, bindings, tokens.
    let actions: [ActionName: any ResourceAction]
    let now: @Sendable () -> Timestamp
    let memory: MemoryKeeper

    /// A call: who, what, how.
    struct Call: Sendable {
        var user: User
        var target: Target
        var options = WriteOptions()
        var fieldValidation = FieldValidation.ignore
        /// What the body's text says wrongly.
        var bodyProblems = BodyProblems()
        /// The answer to a change of what does not exist, if the user may not create it.
        var creationRefusal: Status?
        /// Whether this is about one object of a collection that is deleted.
        var isOfCollection = false
        /// What admission has to say to the client and to the audit log.
        var notes = AdmissionNotes()

        func request(_ verb: WriteRequest.Verb, isPatch: Bool = false) -> WriteRequest {
            WriteRequest(
                user: user, target: target, options: options, verb: verb, isPatch: isPatch, notes: notes,
                isOfCollection: isOfCollection)
        }
    }

    /// An answer, with the status code that HTTP clients see.
    struct Answer: Sendable {
        var object: StoredObject
        var isCreated = false
        var warnings: [String] = []
    }

    // MARK: Reading

    /// The stored object behind a name, or what a subresource shows of it.
    func get(_ target: Target) throws(Status) -> StoredObject {
        let served = try served(target.resource)
        guard let store = served.store else { throw .methodNotAllowed("get", target.resource) }
        let object = try store.get(target.objectName)
        switch target.subresource {
        case nil, "status", "approval", "resize", "ephemeralcontainers": return served.show(object)
        case "scale": return try Scale.show(served.show(object), served)
        case let other?: throw .methodNotAllowed("get", target.resource, subresource: other)
        }
    }

    /// The same, of what is made for who asks, and of a custom resource that a server outside may have to convert.
    func present(_ target: Target, _ served: Registry.Served) async throws(Status) -> StoredObject {
        if let computed = served.computed {
            guard let object = try await computed.object(target.objectName) else {
                throw .notFound(target.resource, target.name)
            }
            return object
        }
        guard let store = served.store else { throw .methodNotAllowed("get", target.resource) }
        let object = try await store.present(try store.get(target.objectName))
        return target.subresource == "scale" ? try Scale.show(object, served) : object
    }

    /// The answer to a list that the cache alone cannot tell: of an older state, or of what is made for who asks.
    func page(
        _ request: ResourceStore.ListRequest, _ served: Registry.Served
    ) async throws(Status) -> ResourceStore.Page {
        if let computed = served.computed { return try await computed.page(request, at: registry.logs.durable.revision) }
        guard let store = served.store else { throw .methodNotAllowed("list", served.definition.resource) }
        return try await store.listPast(request)
    }

    // MARK: Writing

    func create(_ call: Call, _ body: Value) async throws(Status) -> Answer {
        let served = try served(call.target.resource)
        if call.target.subresource != nil || served.store == nil {
            return try await act(call, body, served)
        }
        guard let store = served.store, served.definition.verbs.contains("create") else {
            throw .methodNotAllowed("create", call.target.resource)
        }
        if let custom = served.custom, custom.isTerminating { throw .terminating(call.target.resource) }
        let (object, warnings) = try decode(body, call, served)
        try checkNamespace(object, call.target, served)
        let owners = management(call, served)?.created(object, saying: SentManagedFields(in: body))
        let stored = try await store.create(
            object, call.request(.create), managedFields: owners ?? ManagedFieldsRecord())
        return Answer(object: served.show(stored), isCreated: true, warnings: warnings)
    }

    func update(_ call: Call, _ body: Value) async throws(Status) -> Answer {
        let served = try served(call.target.resource)
        guard let store = served.store else { throw .methodNotAllowed("update", call.target.resource) }
        if call.target.subresource == "scale" {
            try checkName(body, call.target)
            try checkNamespace(body, call.target, served)
            let uid = body.at("metadata", "uid")?.string ?? ""
            return try await Scale.update(call, served, store, management(call, served), uid: uid) {
                _ throws(Status) in body
            }
        }
        let (object, warnings) = try decode(body, call, served)
        try checkName(object, call.target)
        try checkNamespace(object, call.target, served)
        let (management, sent) = (management(call, served), SentManagedFields(in: body))
        var transform = ResourceStore.Transform(scope: try scope(call.target, served)) { current, live throws(Status) in
            try SubresourceRules.check(object, over: live, served.definition, call.target.subresource)
            return ResourceStore.Proposal(
                object: object, managedFields: management?.updated(object, over: current, live, saying: sent))
        }
        transform.uid = object.at("metadata", "uid")?.string ?? ""
        transform.conversions = management?.conversions
        if call.target.subresource == nil, store.kind.allowsCreateOnUpdate {
            transform.create = { () throws(Status) in
                if let refusal = call.creationRefusal { throw refusal }
                return ResourceStore.Proposal(
                    object: object, managedFields: management?.created(object, saying: sent))
            }
        }
        let existed = store.cache.get(call.target.objectName) != nil
        let stored = try await store.update(call.target.objectName, call.request(.update), transform)
        return Answer(object: served.show(stored), isCreated: !existed, warnings: warnings)
    }

    func patch(_ call: Call, _ patch: Patch) async throws(Status) -> Answer {
        let served = try served(call.target.resource)
        guard let store = served.store else { throw .methodNotAllowed("patch", call.target.resource) }
        if case .apply(let configuration, let force) = patch {
            return try await apply(call, configuration, force: force, served, store)
        }
        let management = management(call, served)
        if call.target.subresource == "scale" {
            return try await Scale.update(call, served, store, management) { current throws(Status) in
                let scale = try patch.apply(to: current, Scale.type)
                try checkName(scale, call.target)
                try checkNamespaceOfRequest(scale, call.target)
                return scale
            }
        }
        let target = call.target
        let warnings = Warnings()
        let namesOwners = patch.namesManagedFields
        var transform = ResourceStore.Transform(scope: try scope(target, served)) { current, live throws(Status) in
            var shown = served.conversion?.toServed(live) ?? live
            if namesOwners, !current.managedFields.isEmpty {
                shown[path: ["metadata", "managedFields"]] = current.managedFields.value
            }
            let patched = try patch.apply(to: shown, served.definition.type)
            let decoded: (object: Value, warnings: [String])
            do throws(ObjectDecoder.Refusal) {
                decoded = try served.decode(patched, call)
            } catch {
                throw .unusable(patched, error.why)
            }
            warnings.texts.withLock { $0 = decoded.warnings }
            try checkName(decoded.object, target)
            try checkNamespaceOfRequest(decoded.object, target)
            try SubresourceRules.check(decoded.object, over: live, served.definition, target.subresource)
            let sent = namesOwners ? SentManagedFields(in: patched) : .nothing
            return ResourceStore.Proposal(
                object: decoded.object,
                managedFields: management?.updated(decoded.object, over: current, live, saying: sent))
        }
        transform.conversions = management?.conversions
        let stored = try await store.update(target.objectName, call.request(.update, isPatch: true), transform)
        return Answer(object: served.show(stored), warnings: warnings.texts.withLock(\.self))
    }

    /// What the last try of a patch warned of.
    private final class Warnings: Sendable {
        let texts = Mutex<[String]>([])
    }

    func delete(_ call: Call, _ options: DeletionOptions) async throws(Status) -> ResourceStore.Deletion {
        let served = try served(call.target.resource)
        guard let store = served.store, call.target.subresource == nil else {
            throw .methodNotAllowed("delete", call.target.resource)
        }
        if !call.isOfCollection { try SystemPriorityClass.checkDeletion(of: call.target) }
        return try await store.delete(call.target.objectName, call.request(.delete), options)
    }

    /// Posts to a subresource, or to a resource that only answers.
    private func act(_ call: Call, _ body: Value, _ served: Registry.Served) async throws(Status) -> Answer {
        let name = ActionName(resource: call.target.resource, subresource: call.target.subresource)
        guard let action = actions[name] else {
            throw .methodNotAllowed("create", call.target.resource, subresource: call.target.subresource)
        }
        let subresource = call.target.subresource.flatMap(served.definition.subresource)
        let kind = subresource?.kind ?? served.definition.groupVersionKind
        let body = EvictionAction.present(body, as: kind)
        let type = subresource == nil ? served.definition.type : subresource?.type
        let decoded: (object: Value, warnings: [String])
        do throws(ObjectDecoder.Refusal) {
            decoded = try ObjectDecoder(kind, type).decode(
                body, call.fieldValidation, bodyProblems: call.bodyProblems)
        } catch {
            throw error.status
        }
        try checkNamespace(decoded.object, call.target, served)
        let admitted = try await admit(call, decoded.object, kind)
        let answer = try await action.perform(call, admitted, self)
        return Answer(object: StoredObject(received: answer), isCreated: true, warnings: decoded.warnings)
    }

    /// The posted object as admission completes and lets pass it.
    private func admit(_ call: Call, _ body: Value, _ kind: GroupVersionKind) async throws(Status) -> Value {
        var object = body
        if object.at("metadata", "namespace") == nil, !call.target.namespace.isEmpty {
            object[path: ["metadata", "namespace"]] = .string(call.target.namespace)
        }
        let chain = registry.admission(of: call.target.resource)
        var asked = AdmissionRequest(call.request(.create), kind, resource: call.target.resource, object: object, face: kind)
        try await chain.admit(&asked)
        try await chain.validate(asked)
        return asked.object ?? object
    }

    // MARK: Helpers

    private func decode(
        _ body: Value, _ call: Call, _ served: Registry.Served
    ) throws(Status) -> (Value, warnings: [String]) {
        do throws(ObjectDecoder.Refusal) {
            return try served.decode(body, call)
        } catch {
            throw error.status
        }
    }

    func served(_ resource: GroupVersionResource) throws(Status) -> Registry.Served {
        guard let served = registry[resource] else {
            throw Status(
                code: 404, reason: .notFound, message: "the server could not find the requested resource",
                details: Status.Details(group: resource.group, kind: resource.resource))
        }
        return served
    }

    /// Kinds whose labels a write of the status does not change, as in Kubernetes, which has no rule for it.
    private static let labelledWithSpec: Set<GroupVersionResource> = [.deployments]

    /// Kinds whose status is written without any of their metadata.
    private static let reportedAlone: Set<GroupVersionResource> = [
        .apiServices, .flowSchemas, .priorityLevelConfigurations, .resourceClaims, .validatingAdmissionPolicies,
        .volumeAttachments,
    ]

    func scope(_ target: Target, _ served: Registry.Served) throws(Status) -> UpdatePlan.Scope {
        switch target.subresource {
        case nil: .main(hasStatus: served.definition.subresource("status") != nil)
        case "status" where served.custom != nil || Self.reportedAlone.contains(target.resource): .statusAlone
        case "status": .status(keepsLabels: Self.labelledWithSpec.contains(target.resource))
        case "finalize": .fields([["spec", "finalizers"]])
        // Who decides may note why.
        case "approval":
            .decision([["status", "conditions"], ["metadata", "annotations"], ["metadata", "labels"]])
        case "ephemeralcontainers": .fields([["spec", "ephemeralContainers"]])
        case "resize": .containerResources
        case let other?: throw .methodNotAllowed("update", target.resource, subresource: other)
        }
    }

    func checkNamespace(_ object: Value, _ target: Target, _ served: Registry.Served) throws(Status) {
        guard served.definition.isNamespaced else { return }
        let named = object.at("metadata", "namespace")?.string ?? ""
        guard named.isEmpty || named == target.namespace else {
            throw .badRequest(
                "the namespace of the provided object does not match the namespace sent on the request")
        }
        if target.namespace.isEmpty {
            throw .badRequest("an empty namespace may not be set during creation")
        }
    }

    /// The same of what a patch makes, which has a namespace from its live object.
    func checkNamespaceOfRequest(_ object: Value, _ target: Target) throws(Status) {
        let named = object.at("metadata", "namespace")?.string ?? ""
        guard named.isEmpty || target.namespace.isEmpty || named == target.namespace else {
            throw .badRequest(
                "the namespace of the object (\(named)) does not match the namespace on the request "
                    + "(\(target.namespace))")
        }
    }

    func checkName(_ object: Value, _ target: Target) throws(Status) {
        let name = object.at("metadata", "name")?.string ?? ""
        guard !name.isEmpty else {
            throw .badRequest(
                "the name of the object (\(target.name) based on URL) was undeterminable: name must be provided")
        }
        guard name == target.name else {
            throw .badRequest(
                "the name of the object (\(name)) does not match the name on the URL (\(target.name))")
        }
    }
}

/// Where an action is posted to.
struct ActionName: Hashable, Sendable {
    var resource: GroupVersionResource
    var subresource: String?
}

/// Answers a POST that stores no object of its own: a review, a binding, an eviction, a token.
protocol ResourceAction: Sendable {
    /// `body` was decoded by the action's own kind. Returns the object that the client gets.
    func perform(_ call: Verbs.Call, _ body: Value, _ api: Verbs) async throws(Status) -> Value
}

extension Registry.Served {
    /// The object in the served version.
    ///
    /// Objects that only a server outside can bring into that version must have gone through ``present(_:)``.
    func show(_ object: StoredObject) -> StoredObject {
        if let form = store?.form { return form.present(object) ?? object }
        guard let conversion else { return object }
        return StoredObject(received: conversion.toServed(object.value), managedFields: object.managedFields)
    }

    /// Whether reading may have to ask a server outside.
    var takesTime: Bool { computed != nil || isRemote }

    var isRemote: Bool { store?.form?.isRemote ?? false }

    /// Stored objects in the served version, whoever has to be asked for that.
    func present(_ objects: [StoredObject]) async throws(Status) -> [StoredObject] {
        guard let form = store?.form, form.isRemote else { return objects.map(show) }
        return try await form.present(objects)
    }

    /// Reads a client's object: checked against the schema, pruned, defaulted, in the stored version.
    func decode(_ body: Value, _ call: Verbs.Call) throws(ObjectDecoder.Refusal) -> (Value, warnings: [String]) {
        if let custom {
            return try custom.decode(body, call.fieldValidation, bodyProblems: call.bodyProblems)
        }
        let (object, warnings) = try ObjectDecoder(definition).decode(
            body, call.fieldValidation, bodyProblems: call.bodyProblems)
        return (conversion?.toStored(object) ?? object, warnings)
    }
}

extension Status {
    /// The 422 answer to a patch that makes of an object what is none.
    static func unusable(_ patched: Value, _ why: String) -> Status {
        .invalid(
            GroupVersionKind(group: "", version: "", kind: ""), "",
            [.invalid("patch", value: .string(patched.description), why)])
    }

    static func methodNotAllowed(
        _ verb: String, _ resource: GroupVersionResource, subresource: String? = nil
    ) -> Status {
        let name = resource.groupResource + (subresource.map { "/" + $0 } ?? "")
        return Status(
            code: 405, reason: .methodNotAllowed,
            message: "\(verb) is not supported on resources of kind \"\(name)\"",
            details: Details(group: resource.group, kind: resource.resource))
    }
}
