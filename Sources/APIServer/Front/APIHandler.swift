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
    private let shelf: DocumentShelf
    private let aggregation: Aggregation
    private let metrics: RequestMetrics
    private let auditor: Auditor?
    private let turns: Turns
    private let deadline: RequestDeadline
    private let crossOrigin: CrossOrigin?
    /// RFC 6797: that nobody should come without encryption.
    private let transportSecurity: HTTPDecoration?

    init(
        api: Verbs, gate: RequestGate, documents: [any DocumentSource], shelf: DocumentShelf,
        aggregation: Aggregation, metrics: RequestMetrics, auditor: Auditor?, turns: Turns, deadline: RequestDeadline,
        crossOrigin: CrossOrigin?, transportSecurity: [String]
    ) {
        self.api = api
        self.gate = gate
        self.documents = documents
        self.shelf = shelf
        self.aggregation = aggregation
        self.metrics = metrics
        self.auditor = auditor
        self.turns = turns
        self.deadline = deadline
        self.crossOrigin = crossOrigin
        self.transportSecurity = transportSecurity.isEmpty
            ? nil
            : HTTPDecoration(headers: ["Strict-Transport-Security": transportSecurity.joined(separator: "; ")])
    }

    func handle(_ request: HTTPRequest, _ exchange: HTTPExchange) {
        let id = Self.id(of: request)
        var exchange = exchange.decorated(with: HTTPDecoration(headers: ["Audit-ID": id]))
        if let transportSecurity { exchange = exchange.decorated(with: transportSecurity) }
        guard let decoration = crossOrigin?.decoration(of: request) else { return admit(request, id, exchange) }
        exchange = exchange.decorated(with: decoration)
        // Browsers ask first, without credentials, what they may ask.
        guard request.method == .options else { return admit(request, id, exchange) }
        exchange.respond(.noContent, [:], [])
    }

    func handshakeFailed() { gate.figures.handshakeFailed() }

    /// The id that the client gave the request, as it is, or one of our own. Every answer says it, written down or not.
    private static func id(of request: HTTPRequest) -> String {
        if let given = request.headers["Audit-ID"], !given.isEmpty { return given }
        var random = SystemRandomNumberGenerator()
        return GeneratedName.uuid(using: &random)
    }

    private func admit(_ request: HTTPRequest, _ id: String, _ exchange: HTTPExchange) {
        let passage = gate.look(request)
        guard case .pending = passage else { return audit(passage, request, id, exchange) }
        exchange.run { [self] in
            audit(await gate.ask(request), request, id, exchange)
            // The task must last as long as the exchange: what it does not answer itself counts as forgotten.
            await exchange.hasEnded()
        }
    }

    /// Goes on with a request that is written down, if it is one, from its first stage.
    private func audit(
        _ passage: RequestGate.Passage, _ request: HTTPRequest, _ id: String, _ exchange: HTTPExchange
    ) {
        guard let auditor, let trail = auditor.begin(request, id: id, passage) else {
            return goOn(passage, request, exchange)
        }
        let exchange = exchange.decorated(with: HTTPDecoration(observer: trail))
        exchange.whenEnded { end in
            trail.ended(code: end.status?.code)
        }
        let passage = passage.audited(by: trail)
        guard auditor.mustWait else { return goOn(passage, request, exchange) }
        exchange.run { [self] in
            guard await auditor.settle() else { return exchange.respond(.notAudited, to: request) }
            goOn(passage, request, exchange)
            await exchange.hasEnded()
        }
    }

    private func goOn(
        _ passage: RequestGate.Passage, _ request: HTTPRequest, _ exchange: HTTPExchange
    ) {
        switch passage {
        case .open(let call): enter(call, exchange)
        case .closed(let status, let call):
            if let call { follow(call, exchange) }
            exchange.respond(status, to: request)
        case .pending: preconditionFailure("a gate that was asked must answer")
        }
    }

    /// Goes on when there is a seat for the request. What is long by nature needs none, but for a watch while it begins.
    private func enter(_ call: FrontCall, _ exchange: HTTPExchange) {
        switch turns {
        case .byFlow(let flows):
            guard !call.info.isLong || call.info.verb == "watch" else { return perform(call, exchange) }
            enter(flows, call, exchange)
        case .counted(let limits):
            guard !call.info.isLong else { return perform(call, exchange) }
            guard let seat = limits.enter(call.user, verb: call.info.verb) else { return refuse(call, exchange, .noSeat) }
            exchange.whenEnded { _ in seat.end() }
            perform(call, exchange)
        }
    }

    private func enter(_ flows: FlowControl, _ call: FrontCall, _ exchange: HTTPExchange) {
        switch flows.enter(call.user, call.info, width: { SeatWidth.of(call, api.registry, widest: $0) }) {
        case .free: perform(call, exchange)
        case .seated(let flow, let seat):
            perform(take(seat, call, exchange), exchange.decorated(with: flow.decoration))
        case .refused(let flow): refuse(call, exchange.decorated(with: flow.decoration), .noSeat)
        case .waiting(let flow, let place):
            let begun = ContinuousClock.now
            exchange.run { [self] in
                let exchange = exchange.decorated(with: flow.decoration)
                guard let seat = await place.seat() else { return refuse(call, exchange, .noSeat) }
                perform(take(seat, call, exchange), exchange, waited: .now - begun)
                await exchange.hasEnded()
            }
        }
    }

    /// The call with the seat that it holds until it is answered, or, of a watch, until that has begun.
    private func take(_ seat: FlowControl.Seat, _ call: FrontCall, _ exchange: HTTPExchange) -> FrontCall {
        guard call.info.verb == "watch" else {
            exchange.whenEnded { _ in seat.end() }
            return call
        }
        let opening = WatchOpening(seat)
        exchange.whenEnded { _ in opening.end() }
        var call = call
        call.opening = opening
        return call
    }

    /// Answers for the server itself, which has to look after itself.
    private func refuse(_ call: FrontCall, _ exchange: HTTPExchange, _ status: Status) {
        follow(call, exchange)
        if let key = key(of: call) { metrics.terminated(key, status.code) }
        exchange.respond(status, to: call.request)
    }

    private func perform(_ call: FrontCall, _ exchange: HTTPExchange, waited: Duration = .zero) {
        follow(call, exchange, waited: waited)
        do throws(Status) {
            let limit = try deadline.limit(of: call)
            try route(call, exchange)
            guard let limit else { return }
            // Most requests are answered by now, which costs them nothing.
            exchange.whenLate(after: limit) { [self] in
                if let key = key(of: call) { metrics.terminated(key, Status.late.code) }
                exchange.respond(.late, to: call.request)
            }
        } catch {
            exchange.respond(error, to: call.request)
        }
    }

    private func follow(_ call: FrontCall, _ exchange: HTTPExchange, waited: Duration = .zero) {
        guard let key = key(of: call) else { return }
        metrics.follow(key, call.info, exchange, waited: waited)
    }

    private func key(of call: FrontCall) -> RequestMetrics.Key? {
        RequestMetrics.Key(call, call.info.resource.flatMap { api.registry[$0]?.definition })
    }

    private func route(_ call: FrontCall, _ exchange: HTTPExchange) throws(Status) {
        // Another server has work with the request, and seats of its own.
        if aggregation.take(call, exchange) { return call.opening?.end() ?? () }
        guard call.info.isResourceRequest else {
            for source in documents {
                guard let document = try source.document(call.request) else { continue }
                try RouteRule.checkDocument(call.request.method, call.request.path)
                api.memory.note(bytes: document.bytes.count)
                return send(document, call, exchange)
            }
            throw .noSuchPath
        }
        let served = try api.served(call.target.resource)
        try RouteRule.check(call.info, served.definition)
        try RouteRule.checkHead(call.request.method, call.info, isCustom: served.custom != nil)
        let endpoint = ResourceEndpoint(api, served, deadline)
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

    /// Sends a document, which may have to be made or compressed first: not here, where others wait.
    private func send(_ document: Document, _ call: FrontCall, _ exchange: HTTPExchange) {
        if let rest = document.rest {
            return exchange.run { [self] in
                var whole = document
                whole.bytes += await rest()
                whole.rest = nil
                send(whole, call, exchange)
                await exchange.hasEnded()
            }
        }
        guard let recipe = document.recipe else {
            guard document.bytes.count > ResponseBody.compressedFrom, call.acceptsGzip else {
                return exchange.respond(document)
            }
            return exchange.run { [shelf] in
                exchange.respond(document.filled(with: await shelf.pack(document.bytes), isPacked: true))
            }
        }
        let isPacked = call.acceptsGzip
        if isPacked, let bytes = shelf.kept(recipe) {
            return exchange.respond(document.filled(with: bytes, isPacked: true))
        }
        exchange.run { [shelf] in
            let bytes = isPacked ? await shelf.packed(recipe) : await shelf.unpacked(recipe)
            exchange.respond(document.filled(with: bytes, isPacked: isPacked))
        }
    }
}

/// The answer to a GET of a plain path.
struct Document: Sendable {
    var contentType: String
    var bytes: [UInt8]
    var headers: [(String, String)] = []
    var status = HTTPStatus.ok
    /// Stands for the bytes: whoever has those of this tag has these. `nil` for what is always sent.
    var tag: String?
    /// How the bytes are made, when that takes long.
    var recipe: DocumentRecipe?
    /// What comes behind the bytes and has to be asked for elsewhere.
    var rest: (@Sendable () async -> [UInt8])?

    /// With the bytes that the recipe made, or others for the same.
    func filled(with bytes: [UInt8], isPacked: Bool) -> Document {
        var document = self
        document.bytes = bytes
        document.headers.append(("Vary", "Accept-Encoding"))
        if isPacked { document.headers.append(("Content-Encoding", "gzip")) }
        return document
    }
}

/// Answers plain paths: discovery, OpenAPI, version, health, metrics.
protocol DocumentSource: Sendable {
    /// The paths that the index of this server names.
    var paths: [String] { get }

    /// The document at this path in the form that the request accepts; `nil` when it is not this source's.
    func document(_ request: HTTPRequest) throws(Status) -> Document?
}

/// Carries conversations with nodes: logs, exec, attach, port-forward, proxy.
protocol ConnectionProxy: Sendable {
    /// Called on the event loop, after authorisation.
    func connect(_ call: FrontCall, _ exchange: HTTPExchange) throws(Status)
}

extension HTTPExchange {
    /// Answers with a `Status` object, in the encoding that the request accepts.
    func respond(_ status: Status, to request: HTTPRequest? = nil, warnings: [String] = []) {
        var headers: HTTPHeaders = ["Cache-Control": "no-cache, private"]
        if let seconds = status.details?.retryAfterSeconds, seconds > 0 { headers.add("Retry-After", "\(seconds)") }
        respond(status.value, HTTPStatus(status.code), headers, to: request, warnings: warnings)
    }

    /// The same of a `Status` that says more than a failure does.
    func respond(
        _ status: Value, _ code: HTTPStatus, _ headers: HTTPHeaders = [:], to request: HTTPRequest?,
        warnings: [String] = []
    ) {
        let (contentType, bytes) = StatusForm.encode(status, accept: request?.headers["Accept"])
        var headers = headers
        headers.add("Content-Type", contentType)
        for warning in WarningHeader.values(warnings) { headers.add("Warning", warning) }
        respond(code, headers, bytes)
    }

    /// Returns when the exchange has ended, answered or broken.
    func hasEnded() async {
        await withCheckedContinuation { continuation in whenEnded { _ in continuation.resume() } }
    }

    /// Nobody on the way keeps it, unless the document says otherwise.
    func respond(_ document: Document) {
        var headers: HTTPHeaders = ["Content-Type": document.contentType]
        for (name, value) in document.headers { headers.add(name, value) }
        if headers["Cache-Control"] == nil { headers.add("Cache-Control", "no-cache, private") }
        respond(document.status, headers, document.bytes)
    }
}

extension RequestGate.Passage {
    fileprivate func audited(by trail: AuditTrail) -> Self {
        guard case .open(var call) = self else { return self }
        call.audit = trail
        return .open(call)
    }
}

extension Status {
    /// The 500 answer where nothing may happen that is not written down.
    static let notAudited = internalError("the request cannot be written to the audit log")

    static let noSuchPath = Status(
        code: 404, reason: .notFound, message: "the server could not find the requested resource")
}
