import API
import APIMachinery
import Client
import Wire

/// The verbs on resources over HTTP. Reading is here; `+Watch` and `+Write` have their own files.
struct ResourceEndpoint: Sendable {
    let api: Verbs
    /// As the resource was served when the request came: whoever takes away the last object of a kind that is going is
    /// answered all the same.
    let served: Registry.Served
    let deadline: RequestDeadline

    init(_ api: Verbs, _ served: Registry.Served, _ deadline: RequestDeadline) {
        self.api = api
        self.served = served
        self.deadline = deadline
    }

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
        let format = try call.format(served.definition)
        if let store = served.store { try checkFreshness(call, store) }
        if served.takesTime {
            return exchange.run {
                do throws(Status) {
                    try respond(try await api.present(call.target, served), .ok, call, exchange)
                } catch {
                    exchange.respond(error, to: call.request)
                }
            }
        }
        let object = try api.get(call.target)
        if format == .json, served.deprecation == nil, call.audit == nil,
            object.bytes.count <= ResponseBody.compressedFrom || !call.acceptsGzip
        {
            return exchange.respond(.ok, Self.jsonHeaders, object.wholeBytes)
        }
        try respond(object, .ok, call, exchange)
    }

    func list(_ call: FrontCall, _ exchange: HTTPExchange) throws(Status) {
        let request = try listRequest(call)
        let present = try served.store?.listPresent(request)
        if let present, !served.isRemote { return try respond(present, call, exchange) }
        if served.store == nil, served.computed == nil { throw .methodNotAllowed("list", call.target.resource) }
        exchange.run {
            do throws(Status) {
                var page: ResourceStore.Page
                if let present { page = present } else { page = try await api.page(request, served) }
                try await show(&page, request.filter)
                try await answer(page, call, exchange)
            } catch {
                exchange.respond(error, to: call.request)
            }
        }
    }

    /// Brings the page of a kind that a server outside converts into the served version, and selects what only that
    /// version tells: such a page may hold less than its limit.
    func show(_ page: inout ResourceStore.Page, _ filter: ObjectFilter) async throws(Status) {
        guard served.isRemote else { return }
        page.items = try await served.present(page.items)
        guard let matches = filter.matchesShown else { return }
        page.items.removeAll { !matches($0) }
        page.remaining = nil
    }

    /// Reads the query of a list (`meta/v1.ListOptions`).
    func listRequest(_ call: FrontCall) throws(Status) -> ResourceStore.ListRequest {
        var request = ResourceStore.ListRequest()
        request.filter = try ObjectFilter(
            served.definition, namespace: call.target.namespace, labelSelector: call.query["labelSelector"] ?? "",
            fieldSelector: call.query["fieldSelector"] ?? "", isRemote: served.isRemote)
        // What was authorised by a name is answered for that name, however the name was given.
        if !call.info.name.isEmpty { request.filter.name = call.info.name }
        let match = call.query["resourceVersionMatch"] ?? ""
        if call.info.verb == "watch" {
            try OptionRules.checkWatch(
                match: match, continuation: call.query["continue"] ?? "",
                sendsInitialEvents: call.query["sendInitialEvents"])
        } else {
            try OptionRules.checkList(
                match: match, revision: call.query["resourceVersion"] ?? "",
                continuation: call.query["continue"] ?? "", sendsInitialEvents: call.query["sendInitialEvents"])
        }
        // Fewer than none is no limit, as in Kubernetes.
        if let limit = try call.query.number("limit"), limit > 0 { request.limit = Int(limit) }
        _ = try call.query.number("timeoutSeconds")
        if let text = call.query["continue"], !text.isEmpty {
            guard let token = ContinueToken(text) else { throw .badRequest("continue key is not valid: \(text)") }
            request.continuation = token
        }
        if let revision = try call.revision, revision > 0 {
            guard request.continuation == nil else {
                throw .badRequest("specifying resource version is not allowed when using continue")
            }
            // Before there was `resourceVersionMatch`, a page of an older state was asked for by a limit alone.
            let isExact = match == "Exact" || (match.isEmpty && request.limit != nil)
            request.version = isExact ? .exactly(revision) : .notOlderThan(revision)
        }
        return request
    }

    /// Throws when the state that the query's `resourceVersion` names has not come yet.
    private func checkFreshness(_ call: FrontCall, _ store: ResourceStore) throws(Status) {
        guard let wanted = try call.revision, wanted > store.log.revision else { return }
        throw .tooLargeRevision(wanted, current: store.log.revision)
    }
}
