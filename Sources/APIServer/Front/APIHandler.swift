import APIMachinery
import Client
import Wire

/// The HTTP door to the API: authenticates, lets one user act as another who may, authorises, and sends each request
/// where it belongs.
///
/// Reads are answered on the connection's event loop from the cache; whatever may wait runs as a task of the exchange.
final class APIHandler: HTTPHandler {
    private let api: Verbs
    private let authenticator: any Authenticator
    private let authorizer: any Authorizer
    private let documents: [any DocumentSource]
    private let metrics: RequestMetrics

    init(
        api: Verbs, authenticator: any Authenticator, authorizer: any Authorizer, documents: [any DocumentSource],
        metrics: RequestMetrics
    ) {
        self.api = api
        self.authenticator = authenticator
        self.authorizer = authorizer
        self.documents = documents
        self.metrics = metrics
    }

    func handle(_ request: HTTPRequest, _ exchange: HTTPExchange) {
        do throws(Status) {
            let call = FrontCall(request, try user(of: request))
            if let resource = call.info.resource, let served = api.registry[resource] {
                metrics.follow(call.info, served.definition, exchange)
            }
            try authorize(call)
            try route(call, exchange)
        } catch {
            exchange.respond(error)
        }
    }

    /// Who sends the request, or whom the sender is allowed to be taken for.
    private func user(of request: HTTPRequest) throws(Status) -> User {
        let sender = try authenticator.authenticate(request)
        guard let impersonation = try Impersonation(request.headers) else { return sender }
        for access in impersonation.access(for: sender) { try authorize(access) }
        return impersonation.user
    }

    private func authorize(_ call: FrontCall) throws(Status) {
        var access = AccessRequest(user: call.user, call.info)
        try authorize(access)
        // A WebSocket begins with GET, but a command is more than reading (Kubernetes 1.35).
        if access.verb == "get", access.resource == "pods", access.group.isEmpty,
            ["attach", "exec", "portforward"].contains(access.subresource)
        {
            access.verb = "create"
            try authorize(access)
        }
    }

    private func authorize(_ access: AccessRequest) throws(Status) {
        switch authorizer.decide(access) {
        case .allow: return
        case .deny(let reason), .noOpinion(let reason): throw .forbidden(access, reason: reason)
        }
    }

    private func route(_ call: FrontCall, _ exchange: HTTPExchange) throws(Status) {
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

/// Decides who sends a request. Called on the event loop for each request: quick, and without suspension.
protocol Authenticator: Sendable {
    /// Throws 401 when the credentials are missing or do not hold.
    func authenticate(_ request: HTTPRequest) throws(Status) -> User
}

/// A finished answer to a GET of a plain path.
struct Document: Sendable {
    var contentType: String
    var bytes: [UInt8]
    var headers: [(String, String)] = []
    var status = HTTPStatus.ok
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
