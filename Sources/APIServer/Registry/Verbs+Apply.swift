import API
import APIMachinery
import Client
import Synchronization

extension Verbs {
    /// Server-side apply (KEP-555): merges a configuration into the object, or creates it.
    func apply(
        _ call: Call, _ sent: Value, force: Bool, _ served: Registry.Served, _ store: ResourceStore
    ) async throws(Status) -> Answer {
        guard let management = management(call, served, isApply: true) else {
            throw .unsupportedMediaType(Patch.mediaTypes.filter { $0 != Patch.applyType })
        }
        if call.target.subresource == "scale" {
            return try await applyScale(call, sent, force: force, served, store, management)
        }
        let configuration = try configuration(sent, served.definition.groupVersionKind, management.ownership.type)
        let isCreated = Mutex(false)
        var transform = ResourceStore.Transform(scope: try scope(call.target, served)) { current, live throws(Status) in
            let (made, owners) = try management.applied(configuration, to: current, live, force: force)
            isCreated.withLock { $0 = false }
            guard let made else { return ResourceStore.Proposal(object: live, managedFields: owners) }
            let object = try finish(made, call, served)
            try SubresourceRules.check(object, over: live, served.definition, call.target.subresource)
            return ResourceStore.Proposal(object: object, managedFields: owners)
        }
        transform.conversions = management.conversions
        if call.target.subresource == nil {
            transform.create = { () throws(Status) in
                if let refusal = call.creationRefusal { throw refusal }
                if let custom = served.custom, custom.isTerminating { throw .terminating(call.target.resource) }
                if let uid = configuration.object.at("metadata", "uid")?.string, !uid.isEmpty {
                    throw .conflict(
                        call.target.resource, call.target.name,
                        "uid mismatch: the provided object specified uid \(uid), and no existing object was found")
                }
                let (made, owners) = try management.applied(configuration, to: nil, nil, force: force)
                isCreated.withLock { $0 = true }
                return ResourceStore.Proposal(
                    object: try finish(made ?? configuration.object, call, served), managedFields: owners)
            }
        }
        let stored = try await store.update(call.target.objectName, call.request(.update, isPatch: true), transform)
        return Answer(object: served.show(stored), isCreated: isCreated.withLock(\.self))
    }

    /// The merged object as any other that a client sends: pruned, defaulted, in the stored version.
    private func finish(_ made: Value, _ call: Call, _ served: Registry.Served) throws(Status) -> Value {
        var lenient = call
        // The configuration was checked by itself; what else is in the object is not the client's.
        lenient.fieldValidation = .ignore
        let object: Value
        do throws(ObjectDecoder.Refusal) {
            object = try served.decode(made, lenient).0
        } catch {
            throw error.status
        }
        try checkName(object, call.target)
        try checkNamespaceOfRequest(object, call.target)
        return object
    }

    /// Checks what is applied against the kind that the URL names.
    private func configuration(
        _ sent: Value, _ kind: GroupVersionKind, _ type: TypeSchema
    ) throws(Status) -> AppliedConfiguration {
        guard sent.fields != nil else { throw .badRequest("error decoding YAML: the configuration is no object") }
        let given = GroupVersionKind(apiVersion: sent["apiVersion"]?.string ?? "", kind: sent["kind"]?.string ?? "")
        guard given == kind else {
            throw .badRequest(
                given.group == kind.group && given.kind == kind.kind
                    ? "Incorrect version specified in apply patch. Specified patch version: \(given.apiVersion), "
                        + "expected: \(kind.apiVersion)"
                    : "invalid object type: \(given.typeText)")
        }
        guard sent.at("metadata", "managedFields") == nil else { throw .badRequest("metadata.managedFields must be nil") }
        do throws(AppliedConfiguration.Problems) {
            return try AppliedConfiguration(sent, as: type)
        } catch {
            let metadata = sent["metadata"] ?? .emptyObject
            let name = "\(metadata["namespace"]?.string ?? "")/\(metadata["name"]?.string ?? "")"
            throw Status(
                code: 500, reason: .unknown,
                message: "failed to create typed patch object (\(name); \(kind.typeText)): \(error)")
        }
    }

    /// Applies a scale: its replicas are those of the object.
    private func applyScale(
        _ call: Call, _ sent: Value, force: Bool, _ served: Registry.Served, _ store: ResourceStore,
        _ management: FieldManagement
    ) async throws(Status) -> Answer {
        guard served.definition.subresource("scale") != nil, let type = Scale.type else {
            throw .methodNotAllowed("patch", call.target.resource, subresource: "scale")
        }
        let scale = try configuration(sent, Scale.kind, type).object
        let replicas = scale.at("spec", "replicas")
        let kind = served.definition.groupVersionKind
        var part: Value = ["apiVersion": .string(kind.apiVersion), "kind": .string(kind.kind)]
        let paths = served.custom?.scale
        if let replicas { part[path: Scale.replicasPath(paths)] = replicas }
        let configuration = try self.configuration(part, kind, management.ownership.type)
        let validation = call.fieldValidation
        var transform = ResourceStore.Transform(
            scope: .main(hasStatus: true), face: Scale.face(paths)
        ) { current, live throws(Status) in
            let (_, owners) = try management.applied(configuration, to: current, live, force: force)
            var wanted = Scale.view(of: live, paths)
            if let replicas { wanted[path: ["spec", "replicas"]] = replicas }
            return ResourceStore.Proposal(
                object: try Scale.scaled(live, by: wanted, paths, validation), managedFields: owners)
        }
        transform.conversions = management.conversions
        let stored = try await store.update(call.target.objectName, call.request(.update), transform)
        return Answer(object: StoredObject(received: Scale.view(of: stored.value, paths)))
    }
}

extension GroupVersionKind {
    /// As messages of Go programs print it, with the slash of an empty group.
    fileprivate var typeText: String { "\(group)/\(version), Kind=\(kind)" }
}
