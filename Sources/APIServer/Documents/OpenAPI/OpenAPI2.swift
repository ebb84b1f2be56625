import API
import APIMachinery
import Wire

/// `/openapi/v2`: all resources in one Swagger 2 document, in JSON and in the binary form that kubectl asks for.
///
/// Clients of today read OpenAPI 3; this is for the others. It is made when it is asked for and not kept.
struct OpenAPI2: DocumentSource {
    private let registry: Registry
    private let release: String

    private static let protobufType = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
    /// What clients ask for: the name of old is none that a header may have, so it is not answered with.
    private static let protobufNames = ["application/com.github.proto-openapi.spec.v2@v1.0+protobuf", protobufType]

    init(_ registry: Registry, release: String) {
        self.registry = registry
        self.release = release
    }

    func document(_ request: HTTPRequest) throws(Status) -> Document? {
        guard request.path == "/openapi/v2" else { return nil }
        // Nothing is made for who has it.
        let empty = Document(contentType: "application/json", bytes: [], tag: tag(for: request)).answer(to: request)
        if empty.status == .notModified { return empty }
        var document = Self.document(document, for: request)
        document.tag = tag(for: request)
        return document.answer(to: request)
    }

    /// Built-in kinds change with the release only.
    private func tag(for request: HTTPRequest) -> String {
        let content = registry.all.map(\.fingerprint).filter { !$0.isEmpty }
        let form = Self.acceptsProtobuf(request) ? "protobuf" : "json"
        return Document.tag(of: Array(([release, form] + content).joined(separator: "/").utf8))
    }

    private static func acceptsProtobuf(_ request: HTTPRequest) -> Bool {
        let accepted = request.headers["Accept"] ?? ""
        return protobufNames.contains(where: accepted.contains)
    }

    /// The document in the form that the request accepts.
    static func document(_ document: Value, for request: HTTPRequest) -> Document {
        guard acceptsProtobuf(request) else { return Document(contentType: "application/json", bytes: document.json) }
        return Document(contentType: protobufType, bytes: SwaggerMessage(document).bytes)
    }

    private var document: Value {
        let served = registry.all
        var schemas = OpenAPISchemas(.two, kinds: OpenAPI.kinds(of: served.map(\.definition)))
        var paths = Value.emptyObject
        for resource in served {
            let definition = resource.definition
            schemas.add(resource)
            for (path, item) in OpenAPIPaths(dialect: .two).paths(of: definition) { paths[path] = item }
        }
        return [
            "swagger": "2.0", "info": ["title": "Kubernetes", "version": .string(release)], "paths": paths,
            "definitions": .object(Fields(schemas.schemas.map { ($0.key, $0.value) })),
        ]
    }
}
