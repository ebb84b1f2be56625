import APIMachinery

/// The form of an answer, chosen from the request's `Accept` header (API conventions, "Alternate representations").
enum ResponseFormat: Hashable, Sendable {
    case json
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
        for item in accept.split(separator: ",") {
            let parts = item.split(separator: ";").map { $0.trimmingPrefix { $0 == " " } }
            var form: String?
            for part in parts.dropFirst() where part.hasPrefix("as=") { form = String(part.dropFirst(3)) }
            guard let media = parts.first.map(String.init), let format = Self.format(media, form, includeObject)
            else { continue }
            self = format
            return
        }
        return nil
    }

    private static func format(_ media: String, _ form: String?, _ includeObject: String?) -> ResponseFormat? {
        guard ["application/json", "application/*", "*/*"].contains(media) else { return nil }
        switch form {
        case "PartialObjectMetadata", "PartialObjectMetadataList": return .partialMetadata
        case "Table": return .table(includes: includeObject.flatMap(TableContent.init) ?? .metadata)
        case nil: return .json
        default: return nil
        }
    }

    var contentType: String { "application/json" }
}
