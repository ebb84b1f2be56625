import APIMachinery
import Wire

/// `/openapi/v2` with what other servers answer for: their documents are fetched when somebody asks, joined to this
/// server's own, and not kept. Few clients of today ask.
struct ExtensionSwagger: Sendable {
    let table: ExtensionTable
    let caller: ExtensionCaller
    let openAPI: OpenAPI2
    let workshop: Workshop

    /// Whether the request was for that document, and there is something to add to it. Called on the event loop.
    func take(_ call: FrontCall, _ exchange: HTTPExchange) -> Bool {
        guard call.request.path == "/openapi/v2", call.request.method == .get, !table.isEmpty else { return false }
        exchange.run {
            do throws(Status) {
                exchange.respond(try await document(call.request))
            } catch {
                exchange.respond(error, to: call.request)
            }
        }
        return true
    }

    private func document(_ request: HTTPRequest) async throws(Status) -> Document {
        var others: [(path: String, document: Value)] = []
        for server in table.present where server.isAvailable {
            // A server without such a document has nothing to add; that it failed shows elsewhere.
            guard let other = try? await caller.document("/openapi/v2", of: server) else { continue }
            others.append((server.path, other))
        }
        let form = OpenAPI2.Form(request)
        let bytes = await workshop.run { [openAPI, others] in
            form.encode(others.reduce(openAPI.tree) { Self.joined($0, $1.document, below: $1.path) })
        }
        return Document(contentType: form.contentType, bytes: bytes, tag: Document.tag(of: bytes)).answer(to: request)
    }

    /// The one document with the paths that the other has below `path`, and the definitions that are missing. Pure.
    static func joined(_ document: Value, _ other: Value, below path: String) -> Value {
        var paths = document["paths"]?.fields ?? Fields()
        for (name, item) in other["paths"]?.fields ?? Fields() where name == path || name.hasPrefix(path + "/") {
            paths[name] = item
        }
        var definitions = document["definitions"]?.fields ?? Fields()
        for (name, definition) in other["definitions"]?.fields ?? Fields() where definitions[name] == nil {
            definitions[name] = definition
        }
        var joined = document
        joined["paths"] = .object(paths)
        joined["definitions"] = .object(definitions)
        return joined
    }
}
