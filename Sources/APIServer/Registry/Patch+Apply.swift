import APIMachinery
import Client

extension Patch {
    /// Reads a patch as a request carries it. The media type says which form it has; 415 for any other.
    init(_ contentType: String, _ body: [UInt8]) throws(Status) {
        let value: Value
        do throws(JSONError) {
            value = try Value(json: body)
        } catch {
            throw .badRequest("error decoding patch: \(error.reason)")
        }
        switch contentType {
        case "application/json-patch+json":
            guard let operations = value.array else { throw .badRequest("error decoding patch: it is no list") }
            self = .json(operations)
        case "application/merge-patch+json": self = .merge(value)
        case "application/strategic-merge-patch+json": self = .strategicMerge(value)
        default:
            throw Status(
                code: 415, reason: .unsupportedMediaType,
                message: "the body of the request was in an unknown format - accepted media types include: "
                    + "application/json-patch+json, application/merge-patch+json, "
                    + "application/strategic-merge-patch+json")
        }
    }

    /// What the patch makes of an object. `type` is the object's schema; without one there is no strategic merge.
    func apply(to object: Value, _ type: TypeSchema?) throws(Status) -> Value {
        do throws(PatchError) {
            switch self {
            case .json(let operations): return try JSONPatch(.array(operations)).apply(to: object)
            case .merge(let patch): return try MergePatch.apply(patch, to: object)
            case .strategicMerge(let patch):
                guard let type else { break }
                return try StrategicMergePatch.apply(patch, to: object, schema: type)
            }
        } catch {
            throw error.status
        }
        throw Status(
            code: 415, reason: .unsupportedMediaType,
            message: "this kind has no strategic merge patch; use application/merge-patch+json")
    }
}
