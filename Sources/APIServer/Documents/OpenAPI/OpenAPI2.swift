import API
import APIMachinery
import Wire

/// `/openapi/v2`: all resources in one Swagger 2 document, in JSON and in the binary form that kubectl asks for.
///
/// Clients of today read OpenAPI 3; this is for the others.
struct OpenAPI2: DocumentSource {
    private let registry: Registry
    private let release: String

    /// How the document is written.
    enum Form: String, Sendable {
        case json, protobuf

        private static let protobufType = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
        /// What clients ask for: the name of old is none that a header may have, so it is not answered with.
        private static let protobufNames = [
            "application/com.github.proto-openapi.spec.v2@v1.0+protobuf", protobufType,
        ]

        /// The one that an `Accept` header wants most; `nil` when it takes none.
        init?(accept: String?) {
            self = .json
            guard let accept, !accept.isEmpty else { return }
            for clause in AcceptClause.list(accept) {
                if clause.includes("application/json") { return }
                guard Self.protobufNames.contains(where: clause.includes) else { continue }
                self = .protobuf
                return
            }
            return nil
        }

        var contentType: String { self == .json ? "application/json" : Self.protobufType }

        func encode(_ document: Value) -> [UInt8] { self == .json ? document.json : SwaggerMessage(document).bytes }
    }

    init(_ registry: Registry, release: String) {
        self.registry = registry
        self.release = release
    }

    var paths: [String] { ["/openapi/v2"] }

    func document(_ request: HTTPRequest) throws(Status) -> Document? {
        guard request.path == "/openapi/v2" else { return nil }
        guard let form = Form(accept: request.headers["Accept"]) else { return .notAcceptable }
        let served = registry.all
        // Built-in kinds change with the release only.
        let content = [release, form.rawValue] + served.map(\.fingerprint).filter { !$0.isEmpty }
        let tag = Document.tag(of: Array(content.joined(separator: "/").utf8))
        let recipe = DocumentRecipe(key: tag) { [release] in form.encode(Self.tree(served, release)) }
        return Document(contentType: form.contentType, bytes: [], tag: tag, recipe: recipe).answer(to: request)
    }

    /// The document as a tree, which takes long to make.
    var tree: Value { Self.tree(registry.all, release) }

    private static func tree(_ served: [Registry.Served], _ release: String) -> Value {
        var schemas = OpenAPISchemas(.two, kinds: OpenAPI.kinds(of: served.map(\.definition)))
        var paths = Value.emptyObject
        for name in SwaggerPaths.types { schemas.add(named: name) }
        for (path, item) in SwaggerPaths.discovery(Set(served.map { .init($0.definition.resource) })) { paths[path] = item }
        for resource in served {
            schemas.add(resource)
            for path in resource.operations { paths[path.path] = SwaggerPaths.item(path, isCustom: resource.custom != nil) }
        }
        return [
            "swagger": "2.0", "info": ["title": "Kubernetes", "version": .string(release)], "paths": paths,
            "parameters": SwaggerPaths.parameters,
            "definitions": .object(Fields(schemas.schemas.map { ($0.key, $0.value) })),
        ]
    }
}
