import APIMachinery
import Wire

/// The form of an answer, chosen from the request's `Accept` header (API conventions, "Alternate representations").
enum ResponseFormat: Hashable, Sendable {
    case json
    case yaml
    case protobuf
    case partialMetadata
    /// `kubectl get`'s columns; `includes` says how much of each object comes with its row.
    case table(includes: TableContent)

    enum TableContent: String, Hashable, Sendable {
        case none = "None"
        case metadata = "Metadata"
        case object = "Object"
    }

    /// The first form in the header that this server writes; JSON when nothing is asked for, `nil` when nothing fits.
    init?(accept: String?, includeObject: String? = nil) {
        guard let accept, !accept.isEmpty else {
            self = .json
            return
        }
        for item in HTTPFieldValue.list(accept) {
            let parts = HTTPFieldValue.parameters(item)
            var form: String?
            for part in parts.dropFirst() where part.hasPrefix("as=") { form = String(part.dropFirst(3)) }
            guard let media = parts.first, let format = Self.format(media, form, includeObject)
            else { continue }
            self = format
            return
        }
        return nil
    }

    private static func format(_ media: String, _ form: String?, _ includeObject: String?) -> ResponseFormat? {
        let isJSON = ["application/json", "application/*", "*/*"].contains(media)
        switch form {
        case "PartialObjectMetadata" where isJSON, "PartialObjectMetadataList" where isJSON: return .partialMetadata
        case "Table" where isJSON: return .table(includes: includeObject.flatMap(TableContent.init) ?? .metadata)
        case nil where isJSON: return .json
        case nil where media == "application/yaml": return .yaml
        case nil where media == ProtobufEnvelope.mediaType: return .protobuf
        default: return nil
        }
    }

    var contentType: String {
        switch self {
        case .json, .table, .partialMetadata: "application/json"
        case .yaml: "application/yaml"
        case .protobuf: ProtobufEnvelope.mediaType
        }
    }
}
