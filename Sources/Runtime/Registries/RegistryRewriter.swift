import APIMachinery
import Host
import Logging
import Support
import Synchronization
import Wire

/// Asks mirrors for repositories under other names in containerd's place, on ports of loopback, as ``RewritePlan`` says.
///
/// Without such mirrors it does nothing. Credentials and redirects are containerd's, TLS to the mirror is done here. A mirror is
/// asked directly, whatever proxy containerd is told to use.
final class RegistryRewriter: Sendable {
    private let plan: RewritePlan
    /// Which port each host had last time: containerd is told so at its start, and is not started again for another one.
    private let record: String
    private let secret = Hex.encode((0..<16).map { _ in UInt8.random(in: 0...255) })
    private let log: Logger
    private let server = Mutex<HTTPServer?>(nil)

    init(_ plan: RewritePlan, record: String, log: Logger) { (self.plan, self.record, self.log) = (plan, record, log) }

    /// Begins to listen. Returns the registries as containerd shall see them.
    func begin() async throws(Fault) -> Registries {
        var ports: [String: Int] = [:]
        if !plan.routes.isEmpty {
            let server = HTTPServer(handler: try RewritingHandler(plan, secret: secret, log: log), log: log)
            self.server.withLock { $0 = server }
            let known = (try? Files.read(record)).flatMap { try? Value(json: $0) }
            for host in plan.hosts.sorted() {
                let last = known?[host]?.integer.flatMap(UInt16.init(exactly:))
                ports[host] = try await listen(server, on: last.map(Int.init))
            }
            let new = Value.object(Fields(ports.sorted { $0.key < $1.key }.map { ($0.key, .integer(Int64($0.value))) }))
            if new != known { try Files.write(new.json, to: record, mode: 0o600) }
        }
        return plan.registries(ports: ports, secret: secret)
    }

    private func listen(_ server: HTTPServer, on last: Int?) async throws(Fault) -> Int {
        for port in [last, 0].compactMap(\.self) {
            do throws(Fault) {
                if case .tcp(_, let bound) = try await server.listen(on: .tcp(host: "127.0.0.1", port: port)) { return bound }
            } catch where error.code == .conflict && port != 0 {
                continue
            }
        }
        throw Fault(.failed, "no port of loopback is free for the rewrites of registries.yaml")
    }

    /// Serves until cancelled.
    func run() async { await server.withLock(\.self)?.run() }
}

private struct RewritingHandler: HTTPHandler {
    let plan: RewritePlan
    let secret: String
    let log: Logger
    /// By the number of the route.
    let clients: [HTTPClient]

    init(_ plan: RewritePlan, secret: String, log: Logger) throws(Fault) {
        (self.plan, self.secret, self.log) = (plan, secret, log)
        var clients: [HTTPClient] = []
        for route in plan.routes { clients.append(HTTPClient(tls: try route.tls.map { tls throws(Fault) in try tls.identity() })) }
        self.clients = clients
    }

    func handle(_ request: HTTPRequest, _ exchange: HTTPExchange) {
        guard request.method == .get || request.method == .head,
            let (number, path) = plan.forward(request.rawPath, secret: secret)
        else { return exchange.respond(.notFound) }
        exchange.run { await forward(request, to: number, path, exchange) }
    }

    private func forward(_ request: HTTPRequest, to number: Int, _ path: String, _ exchange: HTTPExchange) async {
        let endpoint = plan.routes[number].endpoint
        let response: HTTPClientResponse
        do {
            let target = "\(endpoint.scheme)://\(endpoint.host)\(path)" + (request.rawQuery.map { "?" + $0 } ?? "")
            let sent = try HTTPClientRequest(
                request.method, url: target, headers: request.headers.only(Self.asked), timeout: .seconds(60))
            response = try await clients[number].send(sent)
        } catch {
            log.warning("the mirror \(endpoint) does not answer: \(error)")
            return exchange.respond(.badGateway, ["Content-Type": "text/plain"], Array("\(error)\n".utf8))
        }
        var headers = response.headers.only(Self.answered)
        if let location = headers["Location"], location.hasPrefix("/") {
            headers["Location"] = "\(endpoint.scheme)://\(endpoint.host)\(location)"
        }
        guard response.status.code != 204, response.status.code != 304 else {
            return exchange.respond(response.status, headers)
        }
        let length = response.headers["Content-Length"].flatMap { Int($0) }
        let writer = exchange.startResponse(response.status, headers, contentLength: length)
        guard request.method != .head else { return }
        do {
            for try await chunk in response.body { try await writer.send(chunk) }
            writer.finish()
        } catch {
            // containerd sees that something is missing, and asks for the rest.
            writer.abort()
        }
    }

    /// What says what is wanted, and by whom.
    private static let asked = ["Accept", "Authorization", "Range", "If-Range", "User-Agent"]
    /// What a client of registries looks at.
    private static let answered = [
        "Content-Type", "Docker-Content-Digest", "Docker-Distribution-Api-Version", "WWW-Authenticate", "Location",
        "Content-Range", "Accept-Ranges", "ETag", "Last-Modified", "Retry-After", "OCI-Filters-Applied", "Warning", "Link",
    ]
}

extension HTTPHeaders {
    /// The fields of these names.
    fileprivate func only(_ names: [String]) -> HTTPHeaders {
        var some = HTTPHeaders()
        for name in names {
            for value in values(of: name) { some.add(name, value) }
        }
        return some
    }
}

extension Registries.TLS {
    /// What a client is that keeps to these options.
    fileprivate func identity() throws(Fault) -> TLSClientIdentity {
        try TLSClientIdentity(
            authoritiesPEM: caFile.isEmpty ? nil : try Files.read(caFile),
            certificatePEM: certFile.isEmpty ? nil : try Files.read(certFile),
            keyPEM: keyFile.isEmpty ? nil : try Files.read(keyFile), isVerifying: !insecureSkipVerify)
    }
}
