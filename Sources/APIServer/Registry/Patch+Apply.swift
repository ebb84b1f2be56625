import APIMachinery
import Client

extension Patch {
    static let mediaTypes = [
        "application/json-patch+json", "application/merge-patch+json", "application/strategic-merge-patch+json",
        applyType,
    ]

    /// Server-side apply. JSON is YAML too.
    static let applyType = "application/apply-patch+yaml"

    /// Reads a patch as a request carries it. The media type says which form it has; 415 for any other.
    ///
    /// `duplicateFields` are the paths of fields that it gives twice.
    init(_ contentType: String, _ body: [UInt8], duplicateFields: inout [String]) throws(Status) {
        guard Self.mediaTypes.contains(contentType) else { throw .unsupportedMediaType(Self.mediaTypes) }
        let value: Value
        do throws(JSONError) {
            value = try Value(json: body, duplicateFields: &duplicateFields)
        } catch {
            throw .badRequest("error decoding patch: \(error.reason)")
        }
        switch contentType {
        case "application/json-patch+json":
            guard let operations = value.array else { throw .badRequest("error decoding patch: it is no list") }
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
