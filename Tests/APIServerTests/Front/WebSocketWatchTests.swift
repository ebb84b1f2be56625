import API
import APIMachinery
import APIServer
import Client
import Support
import Testing
import Wire

/// Watches over WebSocket, as pages in browsers have them.
@Suite(.timeLimit(.minutes(5))) struct WebSocketWatchTests {
    private static let reads: Value = ["apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list", "watch"]]
    private static let maps = "/api/v1/namespaces/default/configmaps"
    private static let protobuf = "application/vnd.kubernetes.protobuf;stream=watch"

    private static let http = HTTPClient()

    /// Asks for a WebSocket.
    private static func ask(
        _ api: TestAPI, _ query: String, _ headers: HTTPHeaders
    ) async throws -> HTTPUpgradeResponse {
        var all: HTTPHeaders = [
            "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": WebSocketHandshake.makeKey(),
        ]
        all.add(headers)
        return try await http.upgrade(
            HTTPClientRequest(.get, api.origin, "\(maps)?watch=1&\(query)", headers: all))
    }

    private static func open(_ api: TestAPI, _ query: String, _ headers: HTTPHeaders) async throws -> WebSocket {
        guard case .upgraded(_, let stream) = try await ask(api, query, headers) else {
            throw NotUpgraded()
        }
        return WebSocket(stream, role: .client)
    }

    private struct NotUpgraded: Error {}

    /// The next message, as `ADDED a`; `nil` after the server's close.
    private static func next(_ socket: WebSocket) async throws -> String? {
        guard let message = try await socket.receive() else { return nil }
        guard case .text(let text) = message else { return "binary" }
        let frame = try Value(json: Array(text.utf8))
        return "\(frame["type"]?.string ?? "") \(frame.at("object", "metadata", "name")?.string ?? "")"
    }

    private static func create(_ name: String, _ api: TestAPI) async throws {
        _ = try await api.server.client().create(ConfigMap(namespace: "default", name: name))
    }

    @Test func `each event is a message, and what the client says means nothing`() async throws {
        try await TestAPI.run { api in
            let token = try await api.token("reader", rules: [Self.reads])
            try await Self.create("a", api)
            let headers: HTTPHeaders = ["Authorization": "Bearer " + token]
            let socket = try await Self.open(api, "timeoutSeconds=3", headers)
            #expect(try await Self.next(socket) == "ADDED a")
            try await socket.send(.text(#"{"type":"DELETED"}"#))
            try await socket.send(.binary([1, 2, 3]))
            try await Self.create("b", api)
            #expect(try await Self.next(socket) == "ADDED b")
            try await api.server.client().delete(ConfigMap.self, ObjectName(namespace: "default", name: "a"))
            #expect(try await Self.next(socket) == "DELETED a")
            // The time is over.
            #expect(try await Self.next(socket) == nil)
            await socket.close()
        }
    }

    @Test func `a client that closes is answered`() async throws {
        try await TestAPI.run { api in
            let token = try await api.token("reader", rules: [Self.reads])
            let headers: HTTPHeaders = ["Authorization": "Bearer " + token]
            let socket = try await Self.open(api, "timeoutSeconds=600", headers)
            try await socket.sendClose()
            #expect(try await socket.receive() == nil)
            await socket.close()
        }
    }

    @Test func `protobuf comes in binary messages without a length of their own`() async throws {
        try await TestAPI.run { api in
            let token = try await api.token("reader", rules: [Self.reads])
            try await Self.create("a", api)
            let path = Self.maps + "?watch=1&timeoutSeconds=1"
            let plain = try await api.send(.get, path, token: token, headers: ["Accept": Self.protobuf])
            let whole = try await plain.body.collect(limit: 1 << 20)
            let headers: HTTPHeaders = ["Authorization": "Bearer " + token, "Accept": Self.protobuf]
            let socket = try await Self.open(api, "timeoutSeconds=5", headers)
            let message = try await socket.receive()
            #expect(message == WebSocketMessage.binary(Array(whole.dropFirst(4))))
            await socket.close()
        }
    }

    @Test func `a page brings its token as a subprotocol, and hears the other`() async throws {
        try await TestAPI.run { api in
            let token = Base64.encodeURLSafe(Array(try await api.token("reader", rules: [Self.reads]).utf8))
            let offered = "base64url.bearer.authorization.k8s.io.\(token), base64.binary.k8s.io"
            let answer = try await Self.ask(api, "timeoutSeconds=1", ["Sec-WebSocket-Protocol": offered])
            guard case .upgraded(let headers, let stream) = answer else { throw NotUpgraded() }
            #expect(headers["Sec-WebSocket-Protocol"] == "base64.binary.k8s.io")
            await stream.close()
        }
    }

    @Test func `what is wrong with a watch is told by the watch, or before it`() async throws {
        try await TestAPI.run { api in
            let token = try await api.token("reader", rules: [Self.reads])
            let headers: HTTPHeaders = ["Authorization": "Bearer " + token]
            let future = "resourceVersion=999999999&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"
                + "&allowWatchBookmarks=true"
            let socket = try await Self.open(api, future, headers)
            #expect(try await Self.next(socket) == "ERROR ")
            #expect(try await Self.next(socket) == nil)
            await socket.close()
            for (query, headers, code) in [
                ("labelSelector=a%20in%20%28", headers, 400), ("timeoutSeconds=x", headers, 400),
                ("", ["Authorization": "Bearer none"], 401),
            ] as [(String, HTTPHeaders, Int)] {
                guard case .refused(let response) = try await Self.ask(api, query, headers) else {
                    Issue.record("upgraded: \(query)")
                    continue
                }
                #expect(response.status.code == code, "\(query)")
                _ = try await response.body.collect(limit: 10_000)
            }
        }
    }
}
