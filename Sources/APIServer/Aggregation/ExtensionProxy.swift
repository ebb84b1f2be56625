import APIMachinery
import Support
import Wire

/// Passes requests on to the extension API servers that answer for them.
///
/// Authentication and authorisation have happened: the other server is told who asks, and may ask back by a
/// SubjectAccessReview.
struct ExtensionProxy: Sendable {
    let table: ExtensionTable
    let caller: ExtensionCaller

    /// Whether the request was another server's, and is taken care of. Called on the event loop.
    func take(_ call: FrontCall, _ exchange: HTTPExchange) -> Bool {
        let path = call.request.path
        guard let server = table.server(forPath: path) ?? documented(path) else { return false }
        guard server.isAvailable else {
            refuse(exchange, 503, "service unavailable")
            return true
        }
        exchange.run {
            do {
                try await pass(call, to: server, exchange)
            } catch let status as Status {
                refuse(exchange, status.code == 500 ? 500 : 503, status.message)
                throw status
            }
        }
        return true
    }

    /// The server whose OpenAPI 3 document this is: `/openapi/v3/apis/GROUP/VERSION`.
    private func documented(_ path: String) -> ExtensionServer? {
        guard path.hasPrefix("/openapi/v3/apis/") else { return nil }
        return table.server(forPath: String(path.dropFirst("/openapi/v3".count)))
    }

    private func pass(_ call: FrontCall, to server: ExtensionServer, _ exchange: HTTPExchange) async throws {
        let request = call.request
        let client: HTTPClient
        do throws(Fault) {
            client = try caller.client(for: server)
        } catch {
            throw Status.internalError(error.summary)
        }
        let origin = try origin(of: server)
        let isUpgrade = request.headers.lists("upgrade", in: "Connection") && request.headers.contains("Upgrade")
        var headers = PassedHeaders.request(request.headers, isUpgrade: isUpgrade, keepsHost: false)
        headers.addForwarded(request.remoteAddress)
        try headers.vouch(for: call.user)
        var outgoing = HTTPClientRequest(
            request.method, origin, Self.target(of: request), headers: headers, timeout: nil)
        do {
            if isUpgrade {
                switch try await Connections.askToUpgrade(outgoing, client) {
                case .upgraded(let headers, let stream): try await Connections.join(exchange, headers, stream)
                case .refused(let response):
                    if let invalid = UpgradeRefusal.replacement(response.status) {
                        return refuse(exchange, 503, invalid.message)
                    }
                    try await send(response, request.method, exchange)
                }
            } else {
                outgoing.body = Connections.body(of: request, exchange)
                try await send(try await Connections.ask(outgoing, client), request.method, exchange)
            }
        } catch let status as Status {
            // It was thought to be there.
            table.failed(server.name)
            throw Status.serviceUnavailable(status.message)
        }
    }

    /// Passes the answer on, but for a redirect: it would send a client elsewhere with the credentials it has for here.
    private func send(_ response: HTTPClientResponse, _ method: HTTPMethod, _ exchange: HTTPExchange) async throws {
        guard !(300..<400).contains(response.status.code) || !response.headers.contains("Location") else {
            return refuse(exchange, 502, "the backend attempted to redirect this request, which is not permitted")
        }
        try await Connections.send(response, method, exchange)
    }

    /// The path as it was authorised: with an encoded slash it could mean something else to the other server.
    private static func target(of request: HTTPRequest) -> String {
        let steps = request.path.split(separator: "/", omittingEmptySubsequences: false)
        return steps.map { PercentEncoding.encode(String($0)) }.joined(separator: "/")
            + (request.rawQuery.map { "?" + $0 } ?? "")
    }

    private func origin(of server: ExtensionServer) throws(Status) -> HTTPOrigin {
        do throws(Status) {
            return try caller.origin(of: server)
        } catch {
            throw .serviceUnavailable("service unavailable")
        }
    }

    /// Clients know a refusal of the aggregation layer as plain text.
    private func refuse(_ exchange: HTTPExchange, _ code: Int, _ text: String) {
        exchange.respond(
            HTTPStatus(code), ["Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff"],
            Array((text + "\n").utf8))
    }
}
