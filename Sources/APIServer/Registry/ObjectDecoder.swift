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

    /// Why a body is not the object that it should be.
    struct Refusal: Error {
        /// In the words of the decoder.
        var why: String
        /// The answer to who sent it.
        var status: Status

        init(_ kind: GroupVersionKind, _ why: String) {
            self.why = why
            status = .cannotHandle(kind, why)
        }

        init(_ given: GroupVersionKind, as kind: GroupVersionKind, _ why: String) {
            self.why = why
            status = .badRequest(
                "\(given.kind) in version \"\(given.version)\" cannot be handled as a \(kind.kind): \(why)")
        }

        init(_ why: String) {
            self.why = why
            status = .badRequest(why)
        }
    }

    /// The object, and what clients that asked for it are warned of. `bodyProblems` are what reading its text found.
    func decode(
        _ body: Value, _ validation: FieldValidation, bodyProblems: BodyProblems = BodyProblems()
    ) throws(Refusal) -> (Value, warnings: [String]) {
        try checkKind(body)
        guard let type else { return (body, []) }
        var unknown: [String] = []
        var object: Value
        do throws(DecodingError) {
            object = try type.decode(body, unknownFields: &unknown)
        } catch {
            throw Refusal(kind, error.description)
        }
        let problems = validation == .ignore ? [] : bodyProblems.all(unknown: unknown, as: type)
        if validation == .strict, !problems.isEmpty {
            throw Refusal(kind, "strict decoding error: " + problems.joined(separator: ", "))
        }
        object["apiVersion"] = .string(kind.apiVersion)
        object["kind"] = .string(kind.kind)
        BuiltinDefaults.shared.apply(to: &object, as: type)
        if kind == Self.autoscaler { Self.keepStatedPolicies(of: body, in: &object) }
        return (object, validation == .warn ? Self.warnings(of: problems) : [])
    }

    private static let autoscaler = GroupVersionKind(
        group: "autoscaling", version: "v2", kind: "HorizontalPodAutoscaler")

    /// An autoscaler of which no policies are said gets the usual ones, one that is said to have none is refused. Go
    /// writes both alike, and so does the decoder.
    private static func keepStatedPolicies(of body: Value, in object: inout Value) {
        for direction in ["scaleUp", "scaleDown"] {
            let path = ["spec", "behavior", direction, "policies"]
            if body[path: path]?.array?.isEmpty == true { object[path: path] = .array([]) }
        }
    }

    /// What clients are warned of: each line that YAML finds fault with is a warning of its own.
    static func warnings(of problems: [String]) -> [String] {
        problems.flatMap { problem in
            guard problem.hasPrefix(yamlPrefix) else { return [problem] }
            return problem.dropFirst(yamlPrefix.count).split(separator: "\n").map { String($0.drop { $0 == " " }) }
        }
    }

    private static let yamlPrefix = "yaml: unmarshal errors:"

    /// A body that leaves its version or kind out is taken for what the URL says.
    private func checkKind(_ body: Value) throws(Refusal) {
        guard body.fields != nil else {
            throw Refusal(
                "the object provided is unrecognized (must be of type \(kind.kind)): couldn't get version/kind; json "
                    + "parse error: json: cannot unmarshal \(body.kindName) into an object")
        }
        var given = GroupVersionKind(apiVersion: body["apiVersion"]?.string ?? "", kind: body["kind"]?.string ?? "")
        if given.apiVersion.isEmpty { (given.group, given.version) = (kind.group, kind.version) }
        if given.kind.isEmpty { given.kind = kind.kind }
        guard given != kind else { return }
        guard ProtobufForm.type(given) != nil else {
            throw Refusal(
                given, as: kind, "no kind \"\(given.kind)\" is registered for version \"\(given.apiVersion)\"")
        }
        guard given.kind == kind.kind, given.group == kind.group else {
            throw Refusal(given, as: kind, "an object of another kind is expected here")
        }
        throw Refusal(
            "the API version in the data (\(given.apiVersion)) does not match the expected API version "
                + "(\(kind.apiVersion))")
    }
}
