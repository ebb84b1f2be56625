import API
import APIMachinery
import Client
import Support
import Wire

extension Connections {
    /// `pods/[SCHEME:]NAME[:PORT]/proxy/...`
    func proxyToPod(_ call: FrontCall, _ exchange: HTTPExchange) throws(Status) {
        guard let name = ProxyName(call.target.name) else {
            throw .badRequest("invalid pod request \"\(call.target.name)\"")
        }
        let pod = try pod(Target(.pods, namespace: call.target.namespace, name: name.name))
        try proxy(call, exchange, to: ProxyTarget(name, in: pod, isProxyable: isProxyable), backends)
    }

    /// `services/[SCHEME:]NAME[:PORT]/proxy/...`
    func proxyToService(_ call: FrontCall, _ exchange: HTTPExchange) throws(Status) {
        guard let name = ProxyName(call.target.name) else {
            throw .badRequest("invalid service request \"\(call.target.name)\"")
        }
        let namespace = call.target.namespace
        guard let service = services.get(Service.self, ObjectName(namespace: namespace, name: name.name)) else {
            throw .notFound(.services, name.name)
        }
        let slices = endpointSlices.list(namespace: namespace)
            .filter { $0.labels["kubernetes.io/service-name"]?.string == name.name }.map { EndpointSlice($0) }
        let target = try ProxyTarget(name, of: service, slices, isProxyable: isProxyable) { Int.random(in: 0..<$0) }
        try proxy(call, exchange, to: target, backends)
    }

    /// `nodes/[SCHEME:]NAME[:PORT]/proxy/...`: the kubelet, or another port of the node.
    func proxyToNode(_ call: FrontCall, _ exchange: HTTPExchange) throws(Status) {
        guard let name = ProxyName(call.target.name) else {
            throw .badRequest("invalid node request \"\(call.target.name)\"")
        }
        let (kubelet, address) = try kubelet(of: name.name)
        if name.port.isEmpty || name.port == "\(address.port)" {
            let target = ProxyTarget(host: address.host, port: address.port, isSecure: true)
            return try proxy(call, exchange, to: target, kubelet.http, keepsHost: false)
        }
        guard let port = UInt16(name.port), port > 0, let ip = IPAddress(address.host), isProxyable(ip) else {
            throw .badRequest("address not allowed")
        }
        let target = ProxyTarget(host: address.host, port: Int(port), isSecure: name.isSecure)
        try proxy(call, exchange, to: target, backends)
    }

    private func proxy(
        _ call: FrontCall, _ exchange: HTTPExchange, to target: ProxyTarget, _ client: HTTPClient,
        keepsHost: Bool = true
    ) throws(Status) {
        guard let path = ProxyPath(call.request.rawPath, of: call.target) else { throw .noSuchPath }
        let request = call.request
        let query = request.rawQuery.map { "?" + $0 } ?? ""
        if path.isMissing, request.method == .get || request.method == .head {
            // Relative links of what is behind the proxy would else lead elsewhere.
            return exchange.respond(.movedPermanently, ["Location": request.rawPath + "/" + query])
        }
        let origin = HTTPOrigin(.tcp(host: target.host, port: target.port), isSecure: target.isSecure)
        let isUpgrade = request.headers.lists("upgrade", in: "Connection") && request.headers.contains("Upgrade")
        var headers = PassedHeaders.request(request.headers, isUpgrade: isUpgrade, keepsHost: keepsHost)
        headers.addForwarded(request.remoteAddress)
        var outgoing = HTTPClientRequest(
            request.method, origin, path.text + query, headers: headers, timeout: nil)
        if isUpgrade {
            return run(call, exchange) { [outgoing] in try await Self.upgrade(outgoing, client, exchange) }
        }
        let links = ProxyLinks(
            prefix: call.target.description, backend: "\(origin.address)", asked: request.headers["Host"] ?? "")
        outgoing.headers["X-Forwarded-Uri"] = links.through(PercentEncoding.decode(path.text) ?? path.text)
        outgoing.body = Self.body(of: request, exchange)
        run(call, exchange) { [outgoing] in try await Self.forward(outgoing, client, exchange, links) }
    }

    private static func upgrade(
        _ request: HTTPClientRequest, _ client: HTTPClient, _ exchange: HTTPExchange
    ) async throws {
        switch try await askToUpgrade(request, client) {
        case .upgraded(let headers, let backend): try await join(exchange, headers, backend)
        case .refused(let response):
            if let invalid = UpgradeRefusal.replacement(response.status) { throw invalid }
            try await send(response, request.method, exchange)
        }
    }

    static func askToUpgrade(
        _ request: HTTPClientRequest, _ client: HTTPClient
    ) async throws -> HTTPUpgradeResponse {
        do {
            return try await client.upgrade(request)
        } catch let fault as Fault {
            throw Status.unreachable(fault)
        }
    }

    private static func forward(
        _ request: HTTPClientRequest, _ client: HTTPClient, _ exchange: HTTPExchange, _ links: ProxyLinks
    ) async throws {
        try await send(try await ask(request, client), request.method, exchange, links)
    }

    static func ask(_ request: HTTPClientRequest, _ client: HTTPClient) async throws -> HTTPClientResponse {
        do {
            return try await client.send(request)
        } catch let fault as Fault {
            throw Status.serviceUnavailable("error trying to reach service: \(Status.explanation(fault))")
        }
    }

    /// What the request carries: nothing, so many bytes, or bytes until they end.
    static func body(of request: HTTPRequest, _ exchange: HTTPExchange) -> HTTPRequestBody {
        if let text = request.headers["Content-Length"] {
            guard let length = Int(text), length > 0 else { return .none }
            return .stream(exchange.bodyStream(), length: length)
        }
        // Only HTTP/2 can carry a body that no header tells of.
        let mayHaveBody = request.version == .http2 && [.post, .put, .patch].contains(request.method)
        guard request.headers.contains("Transfer-Encoding") || mayHaveBody else { return .none }
        return .stream(exchange.bodyStream(), length: nil)
    }

    /// Passes an answer on; with `links` those in it lead through the proxy.
    static func send(
        _ response: HTTPClientResponse, _ method: HTTPMethod, _ exchange: HTTPExchange, _ links: ProxyLinks? = nil
    ) async throws {
        var headers = PassedHeaders.proxied(response.headers)
        if let links, let location = headers["Location"] { headers["Location"] = links.lead(location) }
        if response.status.code == 204 || response.status.code == 304 {
            return exchange.respond(response.status, headers)
        }
        if let links, let page = ProxiedPage(response.headers) {
            return try await send(page, response, headers, method, exchange, links)
        }
        let length = response.headers["Content-Length"].flatMap { Int($0) }
        let writer = exchange.startResponse(response.status, headers, contentLength: length)
        guard method != .head else { return }
        for try await chunk in response.body { try await writer.send(chunk) }
    }

    /// Passes a web page on, which has to be read as a whole unless it is too long for that.
    private static func send(
        _ page: ProxiedPage, _ response: HTTPClientResponse, _ headers: HTTPHeaders, _ method: HTTPMethod,
        _ exchange: HTTPExchange, _ links: ProxyLinks
    ) async throws {
        guard method != .head else {
            // How long it would be shows when it is read.
            _ = exchange.startResponse(response.status, headers)
            return
        }
        var chunks = response.body.makeAsyncIterator()
        var (held, count) = ([[UInt8]](), 0)
        while count <= ProxiedPage.limit {
            guard let chunk = try await chunks.next() else {
                return exchange.respond(response.status, headers, page.led(Array(held.joined()), through: links))
            }
            held.append(chunk)
            count += chunk.count
        }
        let length = response.headers["Content-Length"].flatMap { Int($0) }
        let writer = exchange.startResponse(response.status, headers, contentLength: length)
        for chunk in held { try await writer.send(chunk) }
        while let chunk = try await chunks.next() { try await writer.send(chunk) }
    }
}

/// The part of a proxy's path that is meant for the other side, as it was sent. Pure.
struct ProxyPath: Hashable, Sendable {
    /// Percent-encoded; begins with `/`.
    let text: String
    /// Whether there is none, not even a slash.
    let isMissing: Bool

    /// `nil` when the undecoded path does not name what the request was authorised for: an encoded slash, say.
    init?(_ rawPath: String, of target: Target) {
        let prefix = target.description
        let count = prefix.utf8.count { $0 == UInt8(ascii: "/") }
        var rest = rawPath[...]
        for _ in 0..<count {
            guard rest.first == "/" else { return nil }
            rest = rest.dropFirst().drop { $0 != "/" }
        }
        guard PercentEncoding.decode(rawPath[..<rest.startIndex]) == prefix else { return nil }
        isMissing = rest.isEmpty
        text = rest.isEmpty ? "/" : String(rest)
    }
}

extension HTTPHeaders {
    /// Adds the client to the addresses that the request came by.
    mutating func addForwarded(_ client: HTTPAddress) {
        guard case .tcp(let host, _) = client else { return }
        self["X-Forwarded-For"] = (values(of: "X-Forwarded-For") + [host]).joined(separator: ", ")
    }
}
