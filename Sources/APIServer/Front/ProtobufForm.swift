import API
import APIMachinery

/// Kubernetes' binary form of the built-in kinds, by the tables.
enum ProtobufForm {
    private static let meta = "io.k8s.apimachinery.pkg.apis.meta.v1."

    /// The type of a kind that travels: a resource's own, its list's, a subresource's, or one of all groups.
    static func type(_ kind: GroupVersionKind) -> TypeSchema? {
        if let definition = BuiltinResources.shared.definition(of: kind) { return definition.type }
        if kind.kind.hasSuffix("List") {
            var element = kind
            element.kind.removeLast("List".count)
            if let list = BuiltinResources.shared.definition(of: element)?.listType { return list }
        }
        for subresource in BuiltinResources.shared.resources.lazy.flatMap(\.subresources) where subresource.kind == kind {
            return subresource.type
        }
        return metaType(kind.kind)
    }

    /// A type that every group may use: `Status`, `DeleteOptions`, `PartialObjectMetadata`, ...
    static func metaType(_ name: String) -> TypeSchema? { BuiltinTypes.kubernetes.type(named: meta + name) }

    /// Reads a request's body.
    static func decode(_ body: [UInt8]) throws(ProtobufError) -> Value {
        try ProtobufEnvelope.decode(body, schema: type)
    }

    /// Writes an object or list of a type; 406 when it has none, as custom resources have not.
    static func encode(_ object: Value, _ type: TypeSchema?) throws(Status) -> [UInt8] {
        try encode(json: object.json, type)
    }

    /// The same of canonical JSON.
    static func encode(json: [UInt8], _ type: TypeSchema?) throws(Status) -> [UInt8] {
        guard let type else { throw .notAcceptable }
        do throws(ProtobufError) {
            return try ProtobufEnvelope.encode(json: json, as: type)
        } catch {
            throw .internalError("the object cannot be written as protobuf: \(error)")
        }
    }
}

extension Status {
    static let notAcceptable = Status.notAcceptable(
        "only the following media types are accepted: application/json, application/yaml, "
            + "application/vnd.kubernetes.protobuf")

    /// The same for a watch: there is no stream of YAML.
    static let notAcceptableStream = Status.notAcceptable(
        "only the following media types are accepted: application/json;stream=watch, "
            + "application/vnd.kubernetes.protobuf;stream=watch")

    /// The 406 answer to who asks for a form that the object has not.
    static func notAcceptable(_ message: String) -> Status {
        Status(code: 406, reason: .notAcceptable, message: message)
    }
}
