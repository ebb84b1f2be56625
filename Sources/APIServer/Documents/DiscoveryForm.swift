import API
import APIMachinery
import Wire

/// How a discovery document is written, and whether it tells of all groups at once (KEP-3352): what a request's `Accept`
/// header asks for.
struct DiscoveryForm: Hashable, Sendable {
    var encoding = ResponseFormat.Encoding.json
    var isAggregated = false

    /// Paths below which everything is discovery.
    private static let roots: Set<Substring> = ["api", "apis"]
    private static let aggregatedMark = ";g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"

    /// Whether the path is one of discovery.
    static func isAbout(_ path: String) -> Bool {
        path.split(separator: "/", maxSplits: 1).first.map(roots.contains) ?? false
    }

    /// The form that the request accepts; 406 when there is none.
    init(_ request: HTTPRequest) throws(Status) {
        let parts = request.path.split(separator: "/")
        guard let form = DiscoveryForm(accept: request.headers["Accept"], hasAggregated: parts.count == 1) else {
            throw .notAcceptable
        }
        self = form
    }

    /// The best form in an `Accept` header; `nil` when nothing fits. Of a document that exists in the aggregated form
    /// (`hasAggregated`), that form goes before the other wherever it stands, as in Kubernetes.
    init?(accept: String?, hasAggregated: Bool) {
        guard let accept, !accept.isEmpty else { return }
        // Nothing here is a stream.
        let clauses = AcceptClause.list(accept).filter { ($0["stream"] ?? "").isEmpty }
        if hasAggregated, let encoding = clauses.filter(Self.asksForAll).lazy.compactMap(Self.encoding).first {
            (self.encoding, isAggregated) = (encoding, true)
            return
        }
        let plain = clauses.filter { $0["as"] == nil && $0["g"] == nil && $0["v"] == nil }
        guard let encoding = plain.lazy.compactMap(Self.encoding).first else { return nil }
        self.encoding = encoding
    }

    private static func asksForAll(_ clause: AcceptClause) -> Bool {
        clause["as"] == "APIGroupDiscoveryList" && clause["g"] == "apidiscovery.k8s.io" && clause["v"] == "v2"
    }

    private static func encoding(_ clause: AcceptClause) -> ResponseFormat.Encoding? {
        [.json, .yaml, .protobuf].first { clause.includes(ResponseFormat(encoding: $0).contentType) }
    }

    var contentType: String {
        ResponseFormat(encoding: encoding).contentType + (isAggregated ? Self.aggregatedMark : "")
    }

    /// A document, which is JSON, in this form.
    func write(_ json: [UInt8]) throws(Status) -> [UInt8] {
        guard encoding != .json else { return json }
        let document: Value
        do throws(JSONError) { document = try Value(json: json) } catch {
            throw .internalError("an own document is not JSON: \(error)")
        }
        guard encoding == .protobuf else { return Array(YAML.emit(document).utf8) }
        let kind = document["kind"]?.string ?? ""
        let type = isAggregated
            ? BuiltinTypes.kubernetes.type(named: "io.k8s.api.apidiscovery.v2." + kind) : ProtobufForm.metaType(kind)
        return try ProtobufForm.encode(document, type)
    }
}
