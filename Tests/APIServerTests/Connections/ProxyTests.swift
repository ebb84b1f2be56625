import API
import APIMachinery
import Client
import Logging
import Support
import Testing
import Wire

@testable import APIServer

/// Proxies to pods and services, with one backend on loopback that says what it was asked.
@Suite(.timeLimit(.minutes(5))) struct ProxyTests {
    private struct Backend: HTTPHandler {
        func handle(_ request: HTTPRequest, _ exchange: HTTPExchange) {
            exchange.run {
                if request.headers.lists("echo", in: "Upgrade") {
                    let stream = try await exchange.upgrade(["Upgrade": "echo"])
                    while let bytes = try await stream.read() { try await stream.write(bytes) }
                    return try await stream.closeWrite()
                }
                if request.headers.contains("Upgrade"), let code = Int(request.path.dropFirst()) {
                    return exchange.respond(HTTPStatus(code), ["Location": "http://169.254.169.254/"])
                }
                if request.path.hasPrefix("/page") { return ProxyTests.showPage(request, exchange) }
                let body = try await exchange.body(limit: 1 << 20)
                let text = "\(request.method) \(request.target) \(request.headers["Authorization"] ?? "-") "
                exchange.respond(HTTPStatus(203), ["X-Own": "1"], Array(text.utf8) + body)
            }
        }
    }

    /// A page with a link and with what the request brought, packed as its query says.
    private static func showPage(_ request: HTTPRequest, _ exchange: HTTPExchange) {
        let uri = request.headers["X-Forwarded-Uri"] ?? "-"
        let text = Array("<a href=\"/rewriteme\">test</a> \(uri)".utf8)
        var headers: HTTPHeaders = [
            "Content-Type": "text/html; charset=utf-8", "Access-Control-Allow-Origin": "*",
            "Access-Control-Expose-Headers": "Date",
        ]
        let packing = request.rawQuery ?? ""
        guard let form = forms[packing] else {
            if packing == "moved" { headers["Location"] = "http://\(request.headers["Host"] ?? "")/there?a=b" }
            if packing == "plain" { headers["Content-Type"] = "text/plain" }
            return exchange.respond(packing == "moved" ? .found : .ok, headers, text)
        }
        headers["Content-Encoding"] = packing == "gzip" ? "gzip" : "deflate"
        var encoder = GzipEncoder(as: form)
        exchange.respond(.ok, headers, encoder.compress(text, isLast: true))
    }

    private static let forms: [String: CompressedForm] = ["gzip": .gzip, "zlib": .zlib, "raw": .raw]

    /// The front: every request is allowed and goes to the connections.
    private struct Front: HTTPHandler {
        let connections: Connections

        func handle(_ request: HTTPRequest, _ exchange: HTTPExchange) {
            do throws(Status) {
                try connections.connect(FrontCall(request, .apiServer), exchange)
            } catch {
                exchange.respond(error)
            }
        }
    }

    private static func connections(port: Int) throws -> Connections {
        let port = Value.integer(Int64(port))
        return Connections(
            pods: FixedSet([
                "metadata": ["namespace": "ns", "name": "web"], "status": ["podIP": "127.0.0.1"],
                "spec": ["containers": [["name": "c", "ports": [["containerPort": port]]]]],
            ]),
            nodes: FixedSet(),
            services: FixedSet(["metadata": ["namespace": "ns", "name": "web"], "spec": ["ports": [["port": 80]]]]),
            endpointSlices: FixedSet([
                "metadata": [
                    "namespace": "ns", "name": "web-x", "labels": ["kubernetes.io/service-name": "web"],
                ],
                "addressType": "IPv4", "ports": [["name": "", "port": port]],
                "endpoints": [["addresses": ["127.0.0.1"], "conditions": ["ready": true]]],
            ]),
            kubelets: nil, backends: HTTPClient(), isProxyable: { _ in true })
    }

    private func withFront(
        _ body: @escaping @Sendable (HTTPClient, HTTPOrigin) async throws -> Void
    ) async throws {
        let log = Logger(label: "test")
        let backend = HTTPServer(handler: Backend(), log: log)
        let address = try await backend.listen(on: .tcp(host: "127.0.0.1", port: 0))
        guard case .tcp(_, let port) = address else { return }
        let front = HTTPServer(handler: Front(connections: try Self.connections(port: port)), log: log)
        let origin = HTTPOrigin(try await front.listen(on: .tcp(host: "127.0.0.1", port: 0)), isSecure: false)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await backend.run() }
            group.addTask { await front.run() }
            let result: Result<Void, any Error>
            do {
                result = .success(try await body(HTTPClient(), origin))
            } catch {
                result = .failure(error)
            }
            await front.stop(within: .zero)
            await backend.stop(within: .zero)
            try await group.waitForAll()
            try result.get()
        }
    }

    private static let namespace = "/api/v1/namespaces/ns"

    @Test func `requests reach pods and services as they were sent`() async throws {
        try await withFront { client, origin in
            for target in ["pods/web", "services/web", "services/web:80", "services/http:web:80"] {
                let path = "\(Self.namespace)/\(target)/proxy/a%2Fb?x=%20"
                let response = try await client.send(
                    HTTPClientRequest(
                        .put, origin, path, headers: ["Authorization": "Bearer secret"], body: .bytes(Array("body".utf8))))
                #expect(response.status.code == 203)
                #expect(response.headers["X-Own"] == "1")
                let text = String(decoding: try await response.body.collect(limit: 1000), as: UTF8.self)
                #expect(text == "PUT /a%2Fb?x=%20 - body")
            }
        }
    }

    @Test func `a path without a slash is sent to the one with it`() async throws {
        try await withFront { client, origin in
            let path = Self.namespace + "/pods/web/proxy"
            let response = try await client.send(HTTPClientRequest(.get, origin, path + "?a=b"))
            #expect(response.status == .movedPermanently)
            #expect(response.headers["Location"] == path + "/?a=b")
        }
    }

    @Test func `what is not there is a Status`() async throws {
        try await withFront { client, origin in
            let failures = [
                ("pods/none/proxy/", 404), ("services/web:81/proxy/", 503), ("pods/web:1/proxy/", 503),
                ("pods/ftp:web:1/proxy/", 400), ("pods/web/log", 200), ("pods/web/exec", 400),
            ]
            for (path, code) in failures {
                let response = try await client.send(HTTPClientRequest(.get, origin, "\(Self.namespace)/\(path)"))
                #expect(response.status.code == code, "\(path)")
                _ = try await response.body.collect(limit: 10_000)
            }
        }
    }

    @Test func `an upgraded connection is carried both ways`() async throws {
        try await withFront { client, origin in
            let request = HTTPClientRequest(
                .get, origin, Self.namespace + "/pods/web/proxy/x", headers: ["Upgrade": "echo"])
            guard case .upgraded(let headers, let stream) = try await client.upgrade(request) else {
                Issue.record("refused")
                return
            }
            #expect(headers["Upgrade"] == "echo")
            try await stream.write(Array("hello".utf8))
            #expect(try await stream.read() == Array("hello".utf8))
            try await stream.closeWrite()
            #expect(try await stream.read() == nil)
            await stream.close()
        }
    }

    @Test(arguments: [(200, 500), (204, 500), (302, 500), (304, 500), (403, 403), (503, 503)])
    func `a refusal to switch protocols is passed on only if it is a failure`(theirs: Int, ours: Int) async throws {
        try await withFront { client, origin in
            let request = HTTPClientRequest(
                .get, origin, "\(Self.namespace)/services/web/proxy/\(theirs)", headers: ["Upgrade": "other"])
            guard case .refused(let response) = try await client.upgrade(request) else {
                Issue.record("upgraded")
                return
            }
            #expect(response.status.code == ours)
            #expect(response.headers.contains("Location") == (theirs == ours))
            let text = String(decoding: try await response.body.collect(limit: 10_000), as: UTF8.self)
            #expect(text.contains("invalid upgrade response: status code \(theirs)") == (theirs != ours))
        }
    }

    @Test(arguments: ["", "gzip", "zlib", "raw"])
    func `links of a page lead through the proxy, however it is packed`(packing: String) async throws {
        try await withFront { client, origin in
            for target in ["pods/web", "services/http:web:80"] {
                let proxy = "\(Self.namespace)/\(target)/proxy"
                let headers: HTTPHeaders = ["X-Forwarded-Uri": "/forged"]
                let response = try await client.send(
                    HTTPClientRequest(.get, origin, "\(proxy)/page/%61/?\(packing)", headers: headers))
                #expect(response.status == .ok)
                #expect(response.headers["Access-Control-Allow-Origin"] == nil)
                #expect(response.headers["Access-Control-Expose-Headers"] == "Date")
                var page = try await response.body.collect(limit: 10_000)
                #expect(response.headers["Content-Length"] == "\(page.count)")
                if let form = Self.forms[packing] {
                    page = try #require(GzipDecoder.unpack(page, as: form, limit: 10_000))
                }
                let text = String(decoding: page, as: UTF8.self)
                #expect(text == "<a href=\"\(proxy)/rewriteme\">test</a> \(proxy)/page/a/")
            }
        }
    }

    @Test func `a redirection leads through the proxy, and other texts stay`() async throws {
        try await withFront { client, origin in
            let proxy = Self.namespace + "/pods/web/proxy"
            let moved = try await client.send(HTTPClientRequest(.get, origin, proxy + "/page?moved"))
            #expect(moved.headers["Location"] == "http://\(origin.address)\(proxy)/there?a=b")
            let untouched = "<a href=\"/rewriteme\">test</a> \(proxy)/page"
            let movedText = String(decoding: try await moved.body.collect(limit: 10_000), as: UTF8.self)
            #expect(movedText == untouched)
            let plain = try await client.send(HTTPClientRequest(.get, origin, proxy + "/page?plain"))
            let plainText = String(decoding: try await plain.body.collect(limit: 10_000), as: UTF8.self)
            #expect(plainText == untouched)
            let head = try await client.send(HTTPClientRequest(.head, origin, proxy + "/page"))
            #expect(head.status == .ok)
            #expect(try await head.body.collect(limit: 10_000).isEmpty)
        }
    }
}
