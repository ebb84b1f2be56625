import API
import APIMachinery
import Client

/// What becomes of fields that the schema does not know, or that are given twice (KEP-2885).
enum FieldValidation: String, Sendable {
    case ignore = "Ignore"
    case warn = "Warn"
    case strict = "Strict"
}

/// Reads a client's object: checks that it is of the kind that the URL names, drops what the schema does not know,
/// brings values into canonical form and fills in defaults.
struct ObjectDecoder {
    private let kind: GroupVersionKind
    private let type: TypeSchema?

    init(_ definition: ResourceDefinition) {
        self.init(definition.groupVersionKind, definition.type)
    }

    init(_ kind: GroupVersionKind, _ type: TypeSchema?) {
        self.kind = kind
        self.type = type
    }

    /// The object, and what clients that asked for it are warned of.
    func decode(
        _ body: Value, _ validation: FieldValidation, duplicateFields: [String] = []
    ) throws(Status) -> (Value, warnings: [String]) {
        try checkKind(body)
        guard let type else { return (body, []) }
        var unknown: [String] = []
        var object: Value
        do throws(DecodingError) {
            object = try type.decode(body, unknownFields: &unknown)
        } catch {
            throw .cannotHandle(kind, error.description)
        }
        let problems =
            duplicateFields.map { "duplicate field \"\($0)\"" } + unknown.map { "unknown field \"\($0)\"" }
        if validation == .strict, !problems.isEmpty { throw .strictDecoding(kind, problems) }
        object["apiVersion"] = .string(kind.apiVersion)
        object["kind"] = .string(kind.kind)
        BuiltinDefaults.shared.apply(to: &object, as: type)
        return (object, validation == .warn ? problems : [])
    }

    private func checkKind(_ body: Value) throws(Status) {
        guard body.fields != nil else {
            throw .badRequest("the object provided is unrecognized (must be of type \(kind.kind)): it is a \(body.kindName)")
        }
        let version = body["apiVersion"]?.string ?? ""
        let name = body["kind"]?.string ?? ""
        if name.isEmpty, !version.isEmpty {
            throw .badRequest("Object 'Kind' is missing in '\(body.description.prefix(256))'")
        }
        if !version.isEmpty, version != kind.apiVersion {
            throw .badRequest(
                "the API version in the data (\(version)) does not match the expected API version (\(kind.apiVersion))")
        }
        if !name.isEmpty, name != kind.kind {
            throw .badRequest(
                "the object provided is unrecognized (must be of type \(kind.kind)): it is of kind \(name)")
        }
    }
}
