import APIMachinery
import Client

extension Patch {
    static let mediaTypes = [
        "application/json-patch+json", "application/merge-patch+json", "application/strategic-merge-patch+json",
        applyType,
    ]

    /// Server-side apply. JSON is YAML too.
    static let applyType = "application/apply-patch+yaml"

    /// Throws 415 for a form of patch that there is none of, before anything else of the request is looked at. Custom
    /// resources have no strategic merge.
    static func check(_ contentType: String, isCustom: Bool) throws(Status) {
        let strategic = "application/strategic-merge-patch+json"
        guard !mediaTypes.contains(contentType) || isCustom && contentType == strategic else { return }
        throw .unsupportedMediaType(isCustom ? mediaTypes.filter { $0 != strategic } : mediaTypes)
    }

    /// Reads a patch as a request carries it. The media type says which form it has; 415 for any other.
    ///
    /// `problems` are the fields that it gives twice, and those of the operations of a JSON patch that no operation has,
    /// in the words of the decoder.
    init(_ contentType: String, _ body: [UInt8], problems: inout [String]) throws(Status) {
        guard Self.mediaTypes.contains(contentType) else { throw .unsupportedMediaType(Self.mediaTypes) }
        let value: Value
        var duplicateFields: [String] = []
        do throws(JSONError) {
            value = try Value(json: body, duplicateFields: &duplicateFields)
        } catch {
            throw .badRequest("error decoding patch: \(error.reason)")
        }
        problems = duplicateFields.map { FieldProblem.duplicate($0).description }
        switch contentType {
        case "application/json-patch+json":
            guard let operations = value.array else { throw .badRequest("error decoding patch: it is no list") }
            if !duplicateFields.isEmpty || JSONPatch.haveUnknownFields(operations) {
                problems = JSONPatch.fieldProblems(inJSON: body).map { "json patch \($0)" }
            }
            self = .json(operations)
        case "application/merge-patch+json": self = .merge(value)
        default: self = .strategicMerge(value)
        }
    }

    /// What the patch makes of an object. `type` is the object's schema; without one there is no strategic merge.
    func apply(to object: Value, _ type: TypeSchema?) throws(Status) -> Value {
        do throws(PatchError) {
            switch self {
            case .json(let operations): return try JSONPatch(.array(operations)).apply(to: object)
            case .merge(let patch): return try MergePatch.apply(patch, to: object)
            case .apply: break
            case .strategicMerge(let patch):
                guard let type else { break }
                return try StrategicMergePatch.apply(patch, to: object, schema: type)
            }
        } catch {
            throw error.status
        }
        // A kind without a schema has no strategic merge, and applying needs more than the object.
        throw .unsupportedMediaType(Self.mediaTypes.filter { !$0.contains("strategic") })
    }
}
