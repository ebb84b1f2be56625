import API
import APIMachinery

/// Writes objects of one resource in one of the API's forms. JSON goes out as it lies in the cache.
struct ObjectEncoder: Sendable {
    let format: ResponseFormat
    private let served: Registry.Served
    /// The type of what a subresource shows; `nil` for the object itself.
    private let subresourceType: TypeSchema?

    init(_ format: ResponseFormat, _ served: Registry.Served, subresource: String? = nil) {
        self.format = format
        self.served = served
        subresourceType = subresource.flatMap { served.definition.subresource($0)?.type }
    }

    var contentType: String { format.contentType }

    private var kind: GroupVersionKind { served.definition.groupVersionKind }

    /// One object, which is in the served version already.
    func encode(_ object: StoredObject) throws(Status) -> [UInt8] {
        switch format {
        case .json: return object.bytes
        case .yaml: return Array(YAML.emit(object.value).utf8)
        case .protobuf: return try ProtobufForm.encode(object.value, subresourceType ?? served.definition.type)
        case .partialMetadata: return Self.partial(object.value).json
        case .table(let content):
            let metadata: Value = ["resourceVersion": .string(String(object.revision))]
            return TableForm(served.definition, content).encode([object], metadata: metadata).json
        }
    }

    /// A page of stored objects as a list.
    func encode(_ page: ResourceStore.Page) throws(Status) -> [UInt8] {
        var metadata: Value = ["resourceVersion": .string(String(page.revision))]
        metadata["continue"] = page.continuation.map { .string($0.text) }
        metadata["remainingItemCount"] = page.remaining.map { .integer(Int64($0)) }
        switch format {
        case .json: return Self.list(kind, page.items.map { served.show($0).bytes }, metadata)
        case .yaml: return Array(YAML.emit(list(page, metadata)).utf8)
        case .protobuf: return try ProtobufForm.encode(list(page, metadata), served.definition.listType)
        case .partialMetadata:
            let metaKind = GroupVersionKind(group: "meta.k8s.io", version: "v1", kind: "PartialObjectMetadata")
            return Self.list(metaKind, page.items.map { Self.partial($0.value).json }, metadata)
        case .table(let content):
            return TableForm(served.definition, content).encode(page.items.map(served.show), metadata: metadata).json
        }
    }

    private func list(_ page: ResourceStore.Page, _ metadata: Value) -> Value {
        [
            "apiVersion": .string(kind.apiVersion), "kind": .string(kind.kind + "List"), "metadata": metadata,
            "items": .array(page.items.map { served.show($0).value }),
        ]
    }

    /// Joins encoded objects into a list, without looking into them.
    private static func list(_ kind: GroupVersionKind, _ items: [[UInt8]], _ metadata: Value) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(items.reduce(256) { $0 + $1.count + 1 })
        bytes += "{\"apiVersion\":".utf8
        JSONText.append(quoting: kind.apiVersion, to: &bytes)
        bytes += ",\"items\":[".utf8
        var isFirst = true
        for item in items {
            if !isFirst { bytes.append(UInt8(ascii: ",")) }
            isFirst = false
            bytes += item
        }
        bytes += "],\"kind\":".utf8
        JSONText.append(quoting: kind.kind + "List", to: &bytes)
        bytes += ",\"metadata\":".utf8
        metadata.encode(into: &bytes)
        bytes.append(UInt8(ascii: "}"))
        return bytes
    }

    static func partial(_ object: Value) -> Value {
        var partial: Value = ["apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata"]
        partial["metadata"] = object["metadata"]
        return partial
    }
}
