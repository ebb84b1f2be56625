import APIMachinery
import Client
import Wire

/// The verbs on resources over HTTP. Reading is here; `+Watch` and `+Write` have their own files.
struct ResourceEndpoint: Sendable {
    let api: Verbs

    init(_ api: Verbs) { self.api = api }

    /// What a request body may be at most, in bytes, as in Kubernetes.
    static let bodyLimit = 3 << 20

    /// Subresources that are a conversation with a node, not an object.
    static func isConnection(_ subresource: String) -> Bool {
        ["attach", "exec", "log", "portforward", "proxy"].contains(subresource)
    }

    private static let jsonHeaders: HTTPHeaders = [
        "Content-Type": "application/json", "Cache-Control": "no-cache, private",
    ]

    func get(_ call: FrontCall, _ exchange: HTTPExchange) throws(Status) {
        let format = try call.format
        let object = try api.get(call.target)
        if format == .json { return exchange.respond(.ok, Self.jsonHeaders, object.bytes) }
        try respond(object, .ok, call, exchange)
    }

    func list(_ call: FrontCall, _ exchange: HTTPExchange) throws(Status) {
        let served = try api.served(call.target.resource)
        guard let store = served.store else { throw .methodNotAllowed("list", call.target.resource) }
        let request = try listRequest(call)
        if let page = try store.listPresent(request) { return try respond(page, call, exchange) }
        exchange.run {
            do throws(Status) {
                try respond(try await store.listPast(request), call, exchange)
            } catch {
                exchange.respond(error)
            }
        }
    }

    /// Reads the query of a list (`meta/v1.ListOptions`).
    func listRequest(_ call: FrontCall) throws(Status) -> ResourceStore.ListRequest {
        let served = try api.served(call.target.resource)
        var request = ResourceStore.ListRequest()
        request.filter = try ObjectFilter(
            served.definition, namespace: call.target.namespace, labelSelector: call.query["labelSelector"] ?? "",
            fieldSelector: call.query["fieldSelector"] ?? "")
        // What was authorised by a name is answered for that name, however the name was given.
        if !call.info.name.isEmpty { request.filter.name = call.info.name }
        try OptionRules.checkList(
            match: call.query["resourceVersionMatch"] ?? "", revision: call.query["resourceVersion"] ?? "",
            continuation: call.query["continue"] ?? "", sendsInitialEvents: call.query["sendInitialEvents"] == "true",
            isWatch: call.info.verb == "watch")
        if let text = call.query["limit"], !text.isEmpty {
            guard let limit = Int(text), limit >= 0 else {
                throw .badRequest("limit must be a non-negative number: \(text)")
            }
            request.limit = limit > 0 ? limit : nil
        }
        if let text = call.query["continue"], !text.isEmpty {
            guard let token = ContinueToken(text) else { throw .badRequest("continue key is not valid: \(text)") }
            request.continuation = token
        }
        if let revision = try call.revision, revision > 0 {
            let isExact = call.query["resourceVersionMatch"] == "Exact"
            request.version = isExact ? .exactly(revision) : .notOlderThan(revision)
        }
        return request
    }

    // MARK: Answers

    /// Answers with one object in the form that was asked for.
    func respond(
        _ object: StoredObject, _ status: HTTPStatus, _ call: FrontCall, _ exchange: HTTPExchange,
        warnings: [String] = []
    ) throws(Status) {
        let encoder = ObjectEncoder(
            try call.format, try api.served(call.target.resource), subresource: call.target.subresource)
        var headers: HTTPHeaders = ["Content-Type": encoder.contentType, "Cache-Control": "no-cache, private"]
        for warning in WarningHeader.values(warnings) { headers.add("Warning", warning) }
        exchange.respond(status, headers, try encoder.encode(object))
    }

    /// Answers with a page of a list.
    private func respond(_ page: ResourceStore.Page, _ call: FrontCall, _ exchange: HTTPExchange) throws(Status) {
        let encoder = ObjectEncoder(try call.format, try api.served(call.target.resource))
        let headers: HTTPHeaders = ["Content-Type": encoder.contentType, "Cache-Control": "no-cache, private"]
        let bytes = try encoder.encode(page)
        api.memory.note(bytes: bytes.count)
        exchange.respond(.ok, headers, bytes)
    }
}
