import APIMachinery
import Wire

/// Writes a `Status` in the encoding that a client accepts, whatever shape of objects it asked for.
enum StatusForm {
    /// `accept` is the request's header. JSON when nothing that it names is written here: every client reads that.
    static func encode(_ status: Value, accept: String?) -> (contentType: String, bytes: [UInt8]) {
        let format = ResponseFormat(encoding: ResponseFormat(accept: accept)?.encoding ?? .json)
        switch format.encoding {
        case .json: break
        case .yaml: return (format.contentType, Array(YAML.emit(status).utf8))
        case .protobuf:
            // A status is made of what its type has, so encoding does not fail.
            guard let bytes = try? ProtobufForm.encode(status, ProtobufForm.metaType("Status")) else { break }
            return (format.contentType, bytes)
        }
        return (ResponseFormat.json.contentType, status.json)
    }

    /// The `Status` that ``encode(_:accept:)`` wrote; `nil` for anything else.
    static func decode(_ bytes: [UInt8], _ contentType: String) -> Value? {
        let value: Value? =
            switch contentType {
            case "application/json": try? Value(json: bytes)
            case "application/yaml": try? YAML.documents(bytes).first
            case ProtobufEnvelope.mediaType: try? ProtobufForm.decode(bytes)
            default: nil
            }
        return value?["kind"] == "Status" ? value : nil
    }
}
