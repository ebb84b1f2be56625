import API
import APIMachinery
import Client

/// The `scale` subresource: one small face for everything that has replicas (`autoscaling/v1.Scale`).
enum Scale {
    static let kind = GroupVersionKind(group: "autoscaling", version: "v1", kind: "Scale")
    static var type: TypeSchema? { BuiltinTypes.kubernetes.type(named: "io.k8s.api.autoscaling.v1.Scale") }

    static func show(_ object: StoredObject, _ served: Registry.Served) throws(Status) -> StoredObject {
        guard served.definition.subresource("scale") != nil else {
            throw .methodNotAllowed("get", served.definition.resource, subresource: "scale")
        }
        let value = object.value
        if let path = served.custom?.scale?.spec, value[path: path] == nil {
            // An autoscaler would take 0 for the wish that it be idle.
            throw .internalError("the spec replicas field \".\(path.joined(separator: "."))\" does not exist")
        }
        return StoredObject(received: view(of: value, served.custom?.scale))
    }

    /// Sets the replicas to what `make` makes of the present scale; of the object with this uid, if it is not empty.
    static func update(
        _ call: Verbs.Call, _ served: Registry.Served, _ store: ResourceStore, _ management: FieldManagement?,
        uid: String = "", _ make: @escaping @Sendable (Value) throws(Status) -> Value
    ) async throws(Status) -> Verbs.Answer {
        guard served.definition.subresource("scale") != nil else {
            throw .methodNotAllowed("update", call.target.resource, subresource: "scale")
        }
        let validation = call.fieldValidation
        let paths = served.custom?.scale
        var transform = ResourceStore.Transform(
            scope: .main(hasStatus: true), face: face(paths)
        ) { stored, live throws(Status) in
            let object = try scaled(live, by: try make(view(of: live, paths)), paths, validation)
            return ResourceStore.Proposal(
                object: object, managedFields: management?.updated(object, over: stored, live, saying: .nothing))
        }
        (transform.uid, transform.conversions) = (uid, management?.conversions)
        let stored = try await store.update(call.target.objectName, call.request(.update), transform)
        return Verbs.Answer(object: StoredObject(received: view(of: stored.value, paths)))
    }

    /// The object with the replicas of a scale that a client sent.
    static func scaled(
        _ live: Value, by sent: Value, _ paths: ScalePaths?, _ validation: FieldValidation
    ) throws(Status) -> Value {
        let scale: Value
        do throws(ObjectDecoder.Refusal) {
            scale = try ObjectDecoder(kind, type).decode(sent, validation).0
        } catch {
            throw error.status
        }
        let replicas = scale.at("spec", "replicas")?.integer ?? 0
        guard replicas >= 0 else {
            throw .invalid(
                kind, live.at("metadata", "name")?.string ?? "",
                [.invalid("spec.replicas", value: .integer(replicas), "must be greater than or equal to 0")])
        }
        var object = live
        object[path: replicasPath(paths)] = .integer(replicas)
        // A scale that names a version changes only that version.
        object[path: ["metadata", "resourceVersion"]] = scale.at("metadata", "resourceVersion")
        return object
    }

    /// Where an object has its wanted number of replicas.
    static func replicasPath(_ paths: ScalePaths?) -> [String] { paths?.spec ?? ["spec", "replicas"] }

    /// What admission sees of a change of scale.
    static func face(_ paths: ScalePaths?) -> ResourceStore.Face {
        ResourceStore.Face(
            kind: kind, show: { view(of: $0, paths) },
            put: { scale, object in
                object[path: replicasPath(paths)] = scale.at("spec", "replicas")
            })
    }

    /// `paths` are those of a custom resource; `nil` for the places that built-in kinds have.
    static func view(of object: Value, _ paths: ScalePaths?) -> Value {
        var metadata = Value.emptyObject
        for key in ["creationTimestamp", "name", "namespace", "resourceVersion", "uid"] {
            metadata[key] = object.at("metadata", key)
        }
        var status: Value = ["replicas": object[path: paths?.status ?? ["status", "replicas"]] ?? 0]
        if let paths {
            status["selector"] = paths.selector.flatMap { object[path: $0] }
        } else {
            status["selector"] = selector(of: object).map { .string($0) }
        }
        return [
            "apiVersion": .string(kind.apiVersion), "kind": .string(kind.kind), "metadata": metadata,
            "spec": ["replicas": object[path: paths?.spec ?? ["spec", "replicas"]] ?? 0], "status": status,
        ]
    }

    /// As text, because autoscalers list pods with it.
    private static func selector(of object: Value) -> String? {
        guard let selector = object.at("spec", "selector") else { return nil }
        let isLabelSelector = selector["matchLabels"] != nil || selector["matchExpressions"] != nil
        return (isLabelSelector
            ? try? LabelSelector(object: selector) : try? LabelSelector(labels: selector.fields ?? Fields()))?.description
    }
}
