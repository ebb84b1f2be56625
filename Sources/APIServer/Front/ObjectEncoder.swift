import API
import APIMachinery
import Support

/// Writes objects of one resource in one of the API's forms. JSON goes out as it lies in the cache.
struct ObjectEncoder: Sendable {
    let format: ResponseFormat
    let served: Registry.Served
    /// The type of what a subresource shows; `nil` for the object itself.
    private let subresourceType: TypeSchema?
    private let subresource: String?

    init(_ format: ResponseFormat, _ served: Registry.Served, subresource: String? = nil) {
        self.format = format
        self.served = served
        self.subresource = subresource
        subresourceType = subresource.flatMap { served.definition.subresource($0)?.type }
    }

    var contentType: String { format.contentType }

    /// One object, which is in the served version already.
    func encode(_ object: StoredObject) throws(Status) -> [UInt8] {
        switch format.shape {
        case .object:
            switch format.encoding {
            case .json: return spread(object.wholeBytes)
            case .yaml: return Array(YAML.emit(object.wholeValue).utf8)
            case .protobuf:
                let json = object.wholeBytes
                // What evicts or binds says how it went.
                let isStatus = ProtobufEnvelope.kind(of: json) == ("v1", "Status")
                let type = isStatus ? Self.statusType : subresourceType ?? served.definition.type
                return try ProtobufForm.encode(json: json, type)
            }
        case .partialMetadata: return try write(Self.partial(object.wholeValue, format), Self.partialType)
        case .partialMetadataList:
            throw .notAcceptable(
                "you requested PartialObjectMetadataList, but the requested object is not a list "
                    + "(*\(served.definition.resource.version).\(served.definition.kind))")
        case .table:
            let metadata: Value = ["resourceVersion": .string(String(object.revision))]
            let form = TableForm(served.definition, format, subresource: subresource)
            return try write(form.table(of: [object], metadata: metadata), nil)
        }
    }

    /// A tree in the form's encoding. The type is needed for protobuf alone.
    func write(_ object: Value, _ type: TypeSchema?) throws(Status) -> [UInt8] {
        switch format.encoding {
        case .json: spread(object.json)
        case .yaml: Array(YAML.emit(object).utf8)
        case .protobuf: try ProtobufForm.encode(object, type)
        }
    }

    private static let statusType = ProtobufForm.metaType("Status")

    private func spread(_ json: [UInt8]) -> [UInt8] {
        guard format.isPretty else { return json }
        var pretty = PrettyJSON()
        return pretty.spread(json)
    }

    // MARK: Metadata alone

    /// The type of ``partial(_:_:)``.
    static let partialType = ProtobufForm.metaType("PartialObjectMetadata")

    /// An object's metadata, in the version of `meta.k8s.io` that was asked for.
    static func partial(_ object: Value, _ format: ResponseFormat) -> Value {
        var partial: Value = [
            "apiVersion": .string("meta.k8s.io/" + format.metaVersion), "kind": "PartialObjectMetadata",
        ]
        partial["metadata"] = object["metadata"]
        return partial
    }
}
