import API
import APIMachinery
import Wire

/// Writes the frames of a watch: one JSON object a line (API conventions, "Watch"), or protobuf messages.
struct WatchEncoder: Sendable {
    private let encoder: ObjectEncoder
    private let figures: WatchFigures.Series

    init(_ format: ResponseFormat, _ served: Registry.Served, _ figures: WatchFigures) {
        encoder = ObjectEncoder(format, served)
        self.figures = figures.series(served.definition.resource, kind: served.definition.kind)
    }

    /// A frame goes out.
    func note(_ frame: [UInt8]) { figures.sent(bytes: frame.count) }

    private var format: ResponseFormat { encoder.format }
    private var isProtobuf: Bool { format.encoding == .protobuf }

    /// A stream of frames is JSON lines or protobuf; there is no stream of YAML.
    var contentType: String {
        isProtobuf ? ProtobufEnvelope.mediaType + ";stream=watch" : "application/json"
    }

    /// A frame as a message of a WebSocket, which tells itself how long it is.
    func message(_ frame: [UInt8]) -> WebSocketMessage {
        guard isProtobuf else { return .text(String(decoding: frame, as: UTF8.self)) }
        return .binary(Array(frame.dropFirst(ProtobufEnvelope.watchFrameLength)))
    }

    /// `isFirst`: nothing was sent before. Only the first table says what its columns are.
    func encode(_ event: SelectedEvent, isFirst: Bool) -> [UInt8] {
        let served = encoder.served
        let isStored = served.conversion == nil && served.show(event.object) === event.object
        guard format.shape != .object || isProtobuf || !isStored else { return event.frame }
        return encode(event.kind, served.show(event.versioned), isFirst: isFirst)
    }

    /// An object that is in the served version already.
    func encode(_ kind: SelectedEvent.Kind, _ object: StoredObject, isFirst: Bool) -> [UInt8] {
        if format.shape == .object, !isProtobuf { return Self.frame(kind.rawValue, object.wholeBytes) }
        return frame(kind.rawValue, object, isFirst: isFirst)
    }

    /// Says that nothing of interest happened up to `revision`.
    func bookmark(_ revision: Int64, endsInitialEvents: Bool, isFirst: Bool) -> [UInt8] {
        let kind = encoder.served.definition.groupVersionKind
        var object: Value = [
            "apiVersion": .string(kind.apiVersion), "kind": .string(kind.kind),
            "metadata": ["resourceVersion": .string(String(revision))],
        ]
        if endsInitialEvents {
            // KEP-3157: what came before is the whole state.
            object[path: ["metadata", "annotations", "k8s.io/initial-events-end"]] = "true"
        }
        return frame("BOOKMARK", StoredObject(received: object), isFirst: isFirst)
    }

    /// Says why the watch ends.
    func failure(_ status: Status) -> [UInt8] {
        isProtobuf ? Self.protobufFailure(status) : Self.frame("ERROR", status.value.json)
    }

    private static func protobufFailure(_ status: Status) -> [UInt8] {
        // A status is made of what its type has, so encoding does not fail.
        let object = try? ProtobufForm.encode(status.value, ProtobufForm.metaType("Status"))
        return ProtobufEnvelope.watchFrame(type: "ERROR", object: object ?? [])
    }

    private func frame(_ kind: String, _ object: StoredObject, isFirst: Bool) -> [UInt8] {
        let definition = encoder.served.definition
        let json: [UInt8]
        var type = definition.type
        switch format.shape {
        case .object: json = object.wholeBytes
        case .partialMetadata, .partialMetadataList:
            json = ObjectEncoder.partial(object.wholeValue, format).json
            type = ObjectEncoder.partialType
        case .table:
            let metadata: Value = ["resourceVersion": .string(String(object.revision))]
            let form = TableForm(definition, format)
            json = form.table(of: [object], metadata: metadata, announcesColumns: isFirst).json
        }
        guard isProtobuf else { return Self.frame(kind, json) }
        do throws(Status) {
            return ProtobufEnvelope.watchFrame(type: kind, object: try ProtobufForm.encode(json: json, type))
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
