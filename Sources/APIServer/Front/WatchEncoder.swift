import API
import APIMachinery

/// Writes the frames of a watch: one JSON object a line (API conventions, "Watch").
struct WatchEncoder: Sendable {
    private let format: ResponseFormat
    private let served: Registry.Served

    init(_ format: ResponseFormat, _ served: Registry.Served) {
        self.format = format
        self.served = served
    }

    /// A stream of frames is JSON lines or protobuf; there is no stream of YAML.
    var contentType: String {
        format == .protobuf ? ProtobufEnvelope.mediaType + ";stream=watch" : "application/json"
    }

    func encode(_ event: SelectedEvent) -> [UInt8] {
        if format == .json, served.conversion == nil { return event.frame }
        let object = served.show(event.versioned)
        switch format {
        case .json, .yaml: return Self.frame(event.kind.rawValue, object.bytes)
        case .protobuf: return protobufFrame(event.kind.rawValue, object.value)
        case .partialMetadata: return Self.frame(event.kind.rawValue, ObjectEncoder.partial(object.value).json)
        case .table(let content):
            let metadata: Value = ["resourceVersion": .string(String(event.revision))]
            let table = TableForm(served.definition, content).encode([object], metadata: metadata)
            return Self.frame(event.kind.rawValue, table.json)
        }
    }

    /// Says that nothing of interest happened up to `revision`.
    func bookmark(_ revision: Int64, endsInitialEvents: Bool) -> [UInt8] {
        let kind = served.definition.groupVersionKind
        var object: Value = [
            "apiVersion": .string(kind.apiVersion), "kind": .string(kind.kind),
            "metadata": ["resourceVersion": .string(String(revision))],
        ]
        if endsInitialEvents {
            // KEP-3157: what came before is the whole state.
            object[path: ["metadata", "annotations", "k8s.io/initial-events-end"]] = "true"
        }
        return format == .protobuf ? protobufFrame("BOOKMARK", object) : Self.frame("BOOKMARK", object.json)
    }

    /// Says why the watch ends.
    func failure(_ status: Status) -> [UInt8] {
        format == .protobuf ? Self.protobufFailure(status) : Self.frame("ERROR", status.value.json)
    }

    private static func protobufFailure(_ status: Status) -> [UInt8] {
        let type = ProtobufForm.type(GroupVersionKind(apiVersion: "v1", kind: "Status"))
        // A status is made of what its type has, so encoding does not fail.
        let object = try? ProtobufForm.encode(status.value, type)
        return ProtobufEnvelope.watchFrame(type: "ERROR", object: object ?? [])
    }

    /// Only kinds that have a protobuf form can be watched in it, so encoding does not fail.
    private func protobufFrame(_ type: String, _ object: Value) -> [UInt8] {
        do throws(Status) {
            return ProtobufEnvelope.watchFrame(
                type: type, object: try ProtobufForm.encode(object, served.definition.type))
        } catch {
            return Self.protobufFailure(error)
        }
    }

    static func frame(_ type: String, _ object: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(object.count + 32)
        bytes += "{\"type\":\"".utf8
        bytes += type.utf8
        bytes += "\",\"object\":".utf8
        bytes += object
        bytes += [UInt8(ascii: "}"), UInt8(ascii: "\n")]
        return bytes
    }
}
