import API
import APIMachinery

/// A page of a list on its way out, encoded a few objects at a time.
///
/// A page may have many thousands of objects, and the event loop that encodes them has other connections to serve:
/// whoever sends the list decides how many objects it takes at once.
struct ListBody: Sendable {
    private let items: [StoredObject]
    private let encoder: ObjectEncoder
    private let table: TableForm
    private let frame: Frame
    private var position = 0
    private var hasBegun = false
    private(set) var isFinished = false
    /// In protobuf a length stands before the whole list. The first elements are kept until that is known; what is more
    /// than ``holding`` bytes of them is encoded a second time.
    private var held: [[UInt8]] = []
    private let holding: Int
    private var heldBytes = 0
    /// The bytes of all elements, as soon as ``isMeasured``.
    private var measured = 0
    private var isMeasured = false

    /// What stands around and between the objects.
    private struct Frame {
        var head: [UInt8] = []
        var separator: [UInt8] = []
        var tail: [UInt8] = []
    }

    init(_ page: ResourceStore.Page, _ encoder: ObjectEncoder, holding: Int = 2 << 20) throws(Status) {
        items = page.items
        self.holding = holding
        self.encoder = encoder
        table = TableForm(encoder.served.definition, encoder.format)
        var metadata: Value = ["resourceVersion": .string(String(page.revision))]
        metadata["continue"] = page.continuation.map { .string($0.text) }
        metadata["remainingItemCount"] = page.remaining.map { .integer(Int64($0)) }
        let definition = encoder.served.definition
        if encoder.format.shape == .partialMetadata {
            throw .notAcceptable(
                "you requested PartialObjectMetadata, but the requested object is a list "
                    + "(*\(definition.resource.version).\(definition.kind)List)")
        }
        var (head, key) = (Value.emptyObject, "items")
        if encoder.format.shape == .table {
            (head, key) = (table.head(metadata), "rows")
        } else {
            let kind = encoder.format.shownKind ?? definition.groupVersionKind
            head = [
                "apiVersion": .string(kind.apiVersion), "kind": .string(kind.kind + "List"), "metadata": metadata,
            ]
        }
        switch encoder.format.encoding {
        case .json: frame = Self.jsonFrame(head, key)
        case .yaml: frame = Self.yamlFrame(head, key, isEmpty: page.items.isEmpty)
        case .protobuf: frame = try Self.protobufFrame(head, Self.listType(encoder))
        }
    }

    var format: ResponseFormat { encoder.format }

    /// Whether all that goes out lies in the cache already, or nearly. The owners of fields lie apart from their objects.
    var isShared: Bool {
        encoder.format.encoding == .json && encoder.format.shape == .object && encoder.served.conversion == nil
            && items.allSatisfy(\.managedFields.isEmpty)
    }

    /// Encodes at most so many more objects and returns what can be sent. Nothing follows when ``isFinished``.
    mutating func encode(atMost count: Int) throws(Status) -> [[UInt8]] {
        var count = count
        if encoder.format.encoding == .protobuf, !isMeasured {
            try measure(atMost: count)
            let isHeld = held.count == items.count
            guard isMeasured, isHeld || count >= items.count else { return [] }
            if isHeld { count = items.count }
        }
        var pieces: [[UInt8]] = []
        if !hasBegun { pieces.append(encoder.format.encoding == .protobuf ? protobufHead : frame.head) }
        hasBegun = true
        let end = position + min(count, items.count - position)
        while position < end {
            if position > 0, !frame.separator.isEmpty { pieces.append(frame.separator) }
            pieces.append(position < held.count ? held[position] : try element(items[position]))
            position += 1
        }
        isFinished = position == items.count
        return isFinished ? pieces + [frame.tail] : pieces
    }

    /// Finds out how many bytes the elements take, at most so many more of them at a time.
    private mutating func measure(atMost count: Int) throws(Status) {
        let end = position + min(count, items.count - position)
        while position < end {
            let element = try element(items[position])
            measured += element.count
            if held.count == position, heldBytes + element.count <= holding {
                held.append(element)
                heldBytes += element.count
            }
            position += 1
        }
        guard position == items.count else { return }
        isMeasured = true
        position = 0
    }

    private func element(_ object: StoredObject) throws(Status) -> [UInt8] {
        let shown = encoder.served.show(object)
        let (format, definition) = (encoder.format, encoder.served.definition)
        if format == .json { return shown.wholeBytes }
        if format.shape == .object, format.encoding == .protobuf {
            guard let type = definition.type else { throw .notAcceptable }
            return try Self.protobuf(shown.wholeBytes, type)
        }
        let value: Value
        var type = definition.type
        switch format.shape {
        case .object: value = shown.wholeValue
        case .table: value = table.row(shown.wholeValue)
        case .partialMetadata, .partialMetadataList:
            (value, type) = (ObjectEncoder.partial(shown.wholeValue, format), ObjectEncoder.partialType)
        }
        switch format.encoding {
        case .json: return value.json
        case .yaml: return Array(YAML.emit([value]).utf8)
        case .protobuf:
            guard let type else { throw .notAcceptable }
            return try Self.protobuf(value.json, type)
        }
    }

    private static func protobuf(_ json: [UInt8], _ type: TypeSchema) throws(Status) -> [UInt8] {
        do throws(ProtobufError) {
            return ProtobufEnvelope.element(try Protobuf.encode(json: json, as: type), field: itemsField)
        } catch {
            throw .internalError("the object cannot be written as protobuf: \(error)")
        }
    }

    // MARK: Frames

    /// Whatever comes before and after the objects in the order of the keys.
    private static func jsonFrame(_ head: Value, _ key: String) -> Frame {
        var frame = Frame(head: [UInt8(ascii: "{")], separator: [UInt8(ascii: ",")])
        var (before, after) = (frame.head, [UInt8(ascii: "]")])
        for (name, value) in head.fields ?? Fields() {
            var field: [UInt8] = []
            JSONText.append(quoting: name, to: &field)
            field.append(UInt8(ascii: ":"))
            value.encode(into: &field)
            if name < key { before += field + [UInt8(ascii: ",")] } else { after += [UInt8(ascii: ",")] + field }
        }
        JSONText.append(quoting: key, to: &before)
        frame.head = before + [UInt8(ascii: ":"), UInt8(ascii: "[")]
        frame.tail = after + [UInt8(ascii: "}")]
        return frame
    }

    private static func yamlFrame(_ head: Value, _ key: String, isEmpty: Bool) -> Frame {
        var (before, after) = (Value.emptyObject, Value.emptyObject)
        for (name, value) in head.fields ?? Fields() {
            if name < key { before[name] = value } else { after[name] = value }
        }
        let text = { (part: Value) in part.fields?.isEmpty ?? true ? "" : YAML.emit(part) }
        let items = key + (isEmpty ? ": []\n" : ":\n")
        return Frame(head: Array((text(before) + items).utf8), tail: Array(text(after).utf8))
    }

    /// The list's message without its elements is the first part of the whole message: the metadata.
    private static func protobufFrame(_ head: Value, _ type: TypeSchema?) throws(Status) -> Frame {
        guard let type else { throw .notAcceptable }
        do throws(ProtobufError) {
            let envelope = ProtobufEnvelope.frame(apiVersion: "", kind: "", length: 0)
            return Frame(head: try Protobuf.encode(head, as: type), tail: envelope.tail)
        } catch {
            throw .internalError("the list cannot be written as protobuf: \(error)")
        }
    }

    /// The number of `items` in the message of every list.
    private static let itemsField = 2

    private static func listType(_ encoder: ObjectEncoder) -> TypeSchema? {
        encoder.format.shape == .object
            ? encoder.served.definition.listType : ProtobufForm.metaType("PartialObjectMetadataList")
    }

    /// What stands before the elements: the envelope with its length, and the first part of the message.
    private var protobufHead: [UInt8] {
        let kind = encoder.format.shownKind ?? encoder.served.definition.groupVersionKind
        let length = frame.head.count + measured
        let envelope = ProtobufEnvelope.frame(apiVersion: kind.apiVersion, kind: kind.kind + "List", length: length)
        return envelope.head + frame.head
    }
}
