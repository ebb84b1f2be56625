import APIMachinery
import Client
import Wire

/// The HTTP door to the API: authenticates, lets one user act as another who may, authorises, and sends each request
/// where it belongs.
///
/// Reads are answered on the connection's event loop from the cache; whatever may wait runs as a task of the exchange.
final class APIHandler: HTTPHandler {
    private let api: Verbs
    private let gate: RequestGate
    private let documents: [any DocumentSource]
    private let aggregation: Aggregation
    private let metrics: RequestMetrics

    init(
        api: Verbs, gate: RequestGate, documents: [any DocumentSource], aggregation: Aggregation,
        metrics: RequestMetrics
    ) {
        self.api = api
        self.gate = gate
        self.documents = documents
        self.aggregation = aggregation
        self.metrics = metrics
    }

    func handle(_ request: HTTPRequest, _ exchange: HTTPExchange) {
        let passage = gate.look(request)
        guard case .pending = passage else { return goOn(passage, exchange) }
        exchange.run { [self] in
            goOn(await gate.ask(request), exchange)
            // The task must last as long as the exchange: what it does not answer itself counts as forgotten.
            await exchange.hasEnded()
        }
    }

    private func goOn(_ passage: RequestGate.Passage, _ exchange: HTTPExchange) {
        switch passage {
        case .open(let call):
            follow(call, exchange)
            do throws(Status) {
                try route(call, exchange)
            } catch {
                exchange.respond(error)
            }
        case .closed(let status, let call):
            if let call { follow(call, exchange) }
            exchange.respond(status)
        case .pending: preconditionFailure("a gate that was asked must answer")
        }
    }

    private func follow(_ call: FrontCall, _ exchange: HTTPExchange) {
        guard let resource = call.info.resource, let served = api.registry[resource] else { return }
        metrics.follow(call.info, served.definition, exchange)
    }

    private func route(_ call: FrontCall, _ exchange: HTTPExchange) throws(Status) {
        if aggregation.take(call, exchange) { return }
        guard call.info.isResourceRequest else {
            for source in documents {
                if let document = try source.document(call.request) { return exchange.respond(document) }
            }
            throw .noSuchPath
        }
        try RouteRule.check(call.info, try api.served(call.target.resource).definition)
        let endpoint = ResourceEndpoint(api)
        guard !ResourceEndpoint.isConnection(call.info.subresource) else {
            return try api.connections.connect(call, exchange)
        }
        switch call.info.verb {
        case "get": try endpoint.get(call, exchange)
        case "list": try endpoint.list(call, exchange)
        case "watch": try endpoint.watch(call, exchange)
        default: try endpoint.write(call, exchange)
        }
    }
}

/// A finished answer to a GET of a plain path.
struct Document: Sendable {
    var contentType: String
    var bytes: [UInt8]
    var headers: [(String, String)] = []
    var status = HTTPStatus.ok
    /// Stands for the bytes: whoever has those of this tag has these. `nil` for what is always sent.
    var tag: String?
}

/// Answers plain paths: discovery, OpenAPI, version, health, metrics.
protocol DocumentSource: Sendable {
    /// The document at this path in the form that the request accepts; `nil` when it is not this source's.
    func document(_ request: HTTPRequest) throws(Status) -> Document?
}

/// Carries conversations with nodes: logs, exec, attach, port-forward, proxy.
protocol ConnectionProxy: Sendable {
    /// Called on the event loop, after authorisation.
    func connect(_ call: FrontCall, _ exchange: HTTPExchange) throws(Status)
}

extension HTTPExchange {
    /// Answers with a `Status` object.
    func respond(_ status: Status, warnings: [String] = []) {
        var headers: HTTPHeaders = ["Content-Type": "application/json", "Cache-Control": "no-cache, private"]
        if let seconds = status.details?.retryAfterSeconds, seconds > 0 { headers.add("Retry-After", "\(seconds)") }
        for warning in WarningHeader.values(warnings) { headers.add("Warning", warning) }
        respond(HTTPStatus(status.code), headers, status.value.json)
    }

    /// Returns when the exchange has ended, answered or broken.
    func hasEnded() async {
        await withCheckedContinuation { continuation in whenEnded { _ in continuation.resume() } }
    }

    func respond(_ document: Document) {
        var headers: HTTPHeaders = ["Content-Type": document.contentType]
        for (name, value) in document.headers { headers.add(name, value) }
        respond(document.status, headers, document.bytes)
    }
}

extension Status {
    static let noSuchPath = Status(
        code: 404, reason: .notFound, message: "the server could not find the requested resource")
}
