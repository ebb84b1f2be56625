import API
import APIMachinery
import PKI
import Support
import Wire

/// `/openapi/v3`: a document for each group and version, generated from the schema tables when somebody asks (KEP-2896).
struct OpenAPI: DocumentSource {
    private let release: String
    private let derived: Derived<Index>

    /// Which documents there are.
    private struct Index: Sendable {
        var served: [String: [Registry.Served]] = [:]
        var hashes: [String: String] = [:]
        var document = Document(contentType: "application/json", bytes: [])
    }

    /// `release` is the version of this server; it stands for the content of the documents in their hashes.
    init(_ registry: Registry, release: String) {
        self.release = release
        derived = Derived(registry) { kinds in
            let byPath = Dictionary(grouping: kinds.all) { String($0.definition.resource.apiPath.dropFirst()) }
            var index = Index(served: byPath)
            var paths = Value.emptyObject
            for (path, served) in byPath {
                let hash = Self.hash(of: served, at: path, release)
                index.hashes[path] = hash
                paths[path] = ["serverRelativeURL": .string(Self.url(path, hash))]
            }
            index.document.bytes = (["paths": paths] as Value).json
            index.document.tag = Document.tag(of: index.document.bytes)
            return index
        }
    }

    var paths: [String] { ["/openapi/v3"] }

    func document(_ request: HTTPRequest) throws(Status) -> Document? {
        guard request.path.hasPrefix("/openapi/v3") else { return nil }
        let rest = request.path.dropFirst("/openapi/v3".count).drop { $0 == "/" }
        let index = derived.content
        if rest.isEmpty { return index.document }
        let path = String(rest)
        guard let served = index.served[path], let hash = index.hashes[path] else { return nil }
        guard request.acceptsJSON else { return .notAcceptable }
        var document = Document(contentType: "application/json", bytes: [], tag: hash)
        if let asked = request.query["hash"], !asked.isEmpty {
            guard asked == hash else {
                return Document(
                    contentType: "text/html; charset=utf-8", bytes: [], headers: [("Location", Self.url(path, hash))],
                    status: .movedPermanently)
            }
            // A document whose hash stands in its URL never changes.
            document.headers.append(("Cache-Control", "public, max-age=31536000, immutable"))
        }
        document.recipe = DocumentRecipe(key: hash) { [release] in Self.tree(served, release).json }
        return document
    }

    /// Stands for the content of a document: built-in kinds change with the release only.
    private static func hash(of served: [Registry.Served], at path: String, _ release: String) -> String {
        let content = served.map(\.fingerprint).filter { !$0.isEmpty }
        return Hex.encode(Digest.sha256(([release, path] + content).joined(separator: "/").utf8)).uppercased()
    }

    private static func url(_ path: String, _ hash: String) -> String { "/openapi/v3/\(path)?hash=\(hash)" }

    private static func tree(_ served: [Registry.Served], _ release: String) -> Value {
        var schemas = OpenAPISchemas(.three, kinds: kinds(of: served.map(\.definition)))
        var paths = Value.emptyObject
        for resource in served {
            schemas.add(resource)
            for path in resource.operations { paths[path.path] = OpenAPIPaths.item(path) }
        }
        return [
            "openapi": "3.0.0", "info": ["title": "Kubernetes", "version": .string(release)], "paths": paths,
            "components": ["schemas": .object(Fields(schemas.schemas.map { ($0.key, $0.value) }))],
        ]
    }

    /// Which kinds the types are, beyond their names.
    static func kinds(of served: [ResourceDefinition]) -> [String: [GroupVersionKind]] {
        var kinds: [String: [GroupVersionKind]] = [:]
        for definition in served {
            if let name = definition.type?.name { kinds[name, default: []].append(definition.groupVersionKind) }
            if let list = definition.listType?.name {
                var kind = definition.groupVersionKind
                kind.kind += "List"
                kinds[list, default: []].append(kind)
            }
            for subresource in definition.subresources
            where subresource.kind.apiVersion == definition.resource.apiVersion {
                guard let name = subresource.type?.name, kinds[name] == nil else { continue }
                kinds[name] = [subresource.kind]
            }
        }
        return kinds
    }
}

extension Document {
    /// The 406 answer of OpenAPI, which says nothing more.
    static let notAcceptable = Document(
        contentType: "text/plain; charset=utf-8", bytes: [], headers: [("Vary", "Accept")], status: .notAcceptable)
}

extension HTTPRequest {
    /// Whether an answer of JSON is accepted, as it is when nothing is said.
    var acceptsJSON: Bool {
        guard let accept = headers["Accept"], !accept.isEmpty else { return true }
        return AcceptClause.list(accept).contains { $0.includes("application/json") }
    }
}

extension Registry.Served {
    /// What can be done with the resource, by path.
    var operations: [APIPath] {
        let described = custom?.fullSchema == nil ? nil : OpenAPISchemas.name(of: definition.groupVersionKind)
        return definition.operations(type: definition.type?.name ?? described, hasWatchPaths: custom == nil)
    }
}

extension OpenAPISchemas {
    /// Adds a built-in type, which is there.
    mutating func add(named name: String) {
        if let type = BuiltinTypes.kubernetes.type(named: name) { add(type) }
    }

    /// Adds what a resource and its subresources consist of.
    mutating func add(_ served: Registry.Served) {
        if let custom = served.custom { add(custom: custom) }
        let definition = served.definition
        if let type = definition.type { add(type) }
        if let list = definition.listType { add(list) }
        for type in definition.subresources.compactMap(\.type) { add(type) }
    }
}

extension ResourceDefinition {
    /// The type of a list of these objects, for resources that can be listed.
    var listType: TypeSchema? { type.flatMap { $0.table.type(named: $0.name + "List") } }
}
