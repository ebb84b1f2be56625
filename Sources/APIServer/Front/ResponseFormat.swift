import APIMachinery
import Wire

/// The form of an answer: how it is written, and what it shows of the objects (API conventions, "Alternate
/// representations of resources").
struct ResponseFormat: Hashable, Sendable {
    enum Encoding: Hashable, Sendable {
        case json, yaml, protobuf
    }

    enum Shape: Hashable, Sendable {
        case object
        /// The metadata of one object; of a list's objects ``partialMetadataList``.
        case partialMetadata
        case partialMetadataList
        /// `kubectl get`'s columns.
        case table
    }

    /// How much of each object comes with its row of a table.
    enum TableContent: String, Hashable, Sendable {
        case none = "None"
        case metadata = "Metadata"
        case object = "Object"
    }

    var encoding = Encoding.json
    var shape = Shape.object
    /// The version of `meta.k8s.io` that the shape was asked in.
    var metaVersion = "v1"
    var tableContent = TableContent.metadata
    /// JSON with line breaks, for people.
    var isPretty = false

    /// What goes out when nothing is asked for.
    static let json = ResponseFormat()

    var contentType: String {
        switch encoding {
        case .json: "application/json"
        case .yaml: "application/yaml"
        case .protobuf: ProtobufEnvelope.mediaType
        }
    }

    /// The kind that the answer has in place of the object's; `nil` when that stays.
    var shownKind: GroupVersionKind? {
        let kind: String
        switch shape {
        case .object: return nil
        case .partialMetadata, .partialMetadataList: kind = "PartialObjectMetadata"
        case .table: kind = "Table"
        }
        return GroupVersionKind(group: "meta.k8s.io", version: metaVersion, kind: kind)
    }
}

extension ResponseFormat {
    /// The best form in an `Accept` header that this server writes; JSON when nothing is asked for, `nil` when nothing
    /// fits.
    ///
    /// - Parameters:
    ///   - hasProtobuf: whether the objects themselves have a protobuf form, as those of custom resources have not.
    ///   - hasTable: whether there are columns, as there are none for reviews and whatever else is only answered.
    ///   - isStream: whether the answer is a watch. There is no stream of YAML.
    init?(
        accept: String?, hasProtobuf: @autoclosure () -> Bool = true, hasTable: @autoclosure () -> Bool = true,
        isStream: Bool = false
    ) {
        self = .json
        // What nearly everybody sends needs no weighing.
        guard let accept, !accept.isEmpty, accept != "application/json", accept != "*/*" else { return }
        let (hasProtobuf, hasTable) = (hasProtobuf(), hasTable())
        for clause in AcceptClause.list(accept) {
            guard let format = Self.format(clause, hasProtobuf: hasProtobuf, isStream: isStream),
                hasTable || format.shape != .table
            else { continue }
            self = format
            return
        }
        return nil
    }

    private static func format(_ clause: AcceptClause, hasProtobuf: Bool, isStream: Bool) -> ResponseFormat? {
        for encoding in [Encoding.json, .yaml, .protobuf] {
            guard clause.includes(ResponseFormat(encoding: encoding).contentType) else { continue }
            guard let shape = shape(clause) else { return nil }
            guard !(isStream && encoding == .yaml), !(shape == .table && encoding == .protobuf),
                !(shape == .object && encoding == .protobuf && !hasProtobuf)
            else { continue }
            var format = ResponseFormat(encoding: encoding, shape: shape)
            if shape != .object, clause["v"] == "v1beta1" { format.metaVersion = "v1beta1" }
            format.isPretty = clause["pretty"] == "1" || clause["pretty"] == "true"
            return format
        }
        return nil
    }

    /// `nil` for a shape that this server does not know.
    private static func shape(_ clause: AcceptClause) -> Shape? {
        guard let name = clause["as"] else { return .object }
        guard clause["g"] ?? "" == "meta.k8s.io", ["v1", "v1beta1"].contains(clause["v"] ?? "") else { return nil }
        switch name {
        case "PartialObjectMetadata": return .partialMetadata
        case "PartialObjectMetadataList": return .partialMetadataList
        case "Table": return .table
        default: return nil
        }
    }
}

/// One media range of an `Accept` header with its parameters (RFC 9110, section 12.5.1).
struct AcceptClause: Hashable, Sendable {
    private var type: Substring
    private var subtype: Substring
    private var parameters: [String: String] = [:]
    private var quality = 1.0

    /// The ranges of a header, the most wanted first; of equal ones the more exact, then the earlier.
    static func list(_ header: String) -> [AcceptClause] {
        let clauses = HTTPFieldValue.list(header).compactMap(AcceptClause.init)
        return clauses.enumerated().sorted { a, b in
            if a.element.quality != b.element.quality { return a.element.quality > b.element.quality }
            if a.element.wildcards != b.element.wildcards { return a.element.wildcards < b.element.wildcards }
            return a.offset < b.offset
        }.map(\.element)
    }

    private init?(_ text: String) {
        let parts = HTTPFieldValue.parameters(text)
        guard let range = parts.first?.split(separator: "/", maxSplits: 1), range.count == 2 else {
            guard parts.first == "*" else { return nil }
            (type, subtype) = ("*", "*")
            return
        }
        (type, subtype) = (range[0], range[1])
        for part in parts.dropFirst() {
            let pair = part.split(separator: "=", maxSplits: 1)
            guard let name = pair.first else { continue }
            parameters[String(name)] = pair.count == 2 ? String(pair[1]) : ""
        }
        quality = parameters["q"].flatMap { Double($0) } ?? 1
    }

    subscript(parameter: String) -> String? { parameters[parameter] }

    func includes(_ mediaType: String) -> Bool {
        let parts = mediaType.split(separator: "/", maxSplits: 1)
        return (type == "*" || type == parts.first) && (subtype == "*" || subtype == parts.last)
    }

    private var wildcards: Int { (type == "*" ? 1 : 0) + (subtype == "*" ? 1 : 0) }
}
