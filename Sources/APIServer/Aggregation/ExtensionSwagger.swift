import APIMachinery
import Wire

/// What is made of the OpenAPI 2 documents of other servers: `/openapi/v2` with what they answer for, and the OpenAPI 3
/// documents of those that have none. They are fetched when somebody asks, and not kept. Few clients of today ask.
struct ExtensionSwagger: Sendable {
    let table: ExtensionTable
    let caller: ExtensionCaller
    let openAPI: OpenAPI2
    let workshop: Workshop

    private static let third = "/openapi/v3"

    /// Whether the request was for such a document. Called on the event loop.
    func take(_ call: FrontCall, _ exchange: HTTPExchange) -> Bool {
        let path = call.request.path
        guard call.request.method == .get, !table.isEmpty else { return false }
        if path == "/openapi/v2" {
            answer(call, exchange) { request throws(Status) in try await document(request) }
            return true
        }
        guard path.hasPrefix(Self.third), let server = table.server(forPath: String(path.dropFirst(Self.third.count))),
            path == Self.third + server.path, server.isAvailable, server.offer?.isDocumentConverted == true
        else { return false }
        answer(call, exchange) { request throws(Status) in try await converted(server, request) }
        return true
    }

    private func answer(
        _ call: FrontCall, _ exchange: HTTPExchange,
        _ make: @escaping @Sendable (HTTPRequest) async throws(Status) -> Document
    ) {
        exchange.run {
            do throws(Status) {
                exchange.respond(try await make(call.request))
            } catch {
                exchange.respond(error, to: call.request)
            }
        }
    }

    private func converted(_ server: ExtensionServer, _ request: HTTPRequest) async throws(Status) -> Document {
        guard request.acceptsJSON else { return .notAcceptable }
        let old: Value
        do throws(ExtensionCaller.Unavailable) {
            old = try await caller.document("/openapi/v2", of: server)
        } catch {
            throw .serviceUnavailable(error.description)
        }
        let bytes = await workshop.run { OpenAPIConversion.convert(old).json }
        return Document(contentType: "application/json", bytes: bytes, tag: Document.tag(of: bytes)).answer(to: request)
    }

    private func document(_ request: HTTPRequest) async throws(Status) -> Document {
        guard let form = OpenAPI2.Form(accept: request.headers["Accept"]) else { return .notAcceptable }
        var others: [(path: String, document: Value)] = []
        for server in table.present where server.isAvailable {
            // A server without such a document has nothing to add; that it failed shows elsewhere.
            guard let other = try? await caller.document("/openapi/v2", of: server) else { continue }
            others.append((server.path, other))
        }
        let bytes = await workshop.run { [openAPI, others] in
            form.encode(others.reduce(openAPI.tree) { Self.joined($0, $1.document, below: $1.path) })
        }
        return Document(contentType: form.contentType, bytes: bytes, tag: Document.tag(of: bytes)).answer(to: request)
    }

    /// The one document with the paths that the other has below `path`, and what is missing of that they refer to. Pure.
    static func joined(_ document: Value, _ other: Value, below path: String) -> Value {
        var paths = document["paths"]?.fields ?? Fields()
        for (name, item) in other["paths"]?.fields ?? Fields() where name == path || name.hasPrefix(path + "/") {
            paths[name] = item
        }
        var joined = document
        joined["paths"] = .object(paths)
        // What the other's paths refer to.
        for section in ["definitions", "parameters"] {
            var own = document[section]?.fields ?? Fields()
            for (name, value) in other[section]?.fields ?? Fields() where own[name] == nil { own[name] = value }
            if !own.isEmpty { joined[section] = .object(own) }
        }
        return joined
    }
}
