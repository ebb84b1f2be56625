import APIMachinery
import Wire

/// A client's wish to speak WebSocket (RFC 6455, section 4).
struct WebSocketRequest: Sendable {
    let offered: [String]
    private let key: String

    /// `nil` when the request is none.
    init?(_ request: HTTPRequest) {
        guard request.headers.lists("websocket", in: "Upgrade"), request.headers.lists("upgrade", in: "Connection"),
            let key = request.headers["Sec-WebSocket-Key"]
        else { return nil }
        self.key = key
        offered = WebSocketToken.withoutTokens(request.headers.values(of: "Sec-WebSocket-Protocol"))
    }

    /// The client's most wanted subprotocol of these; `nil` when it asked for none at all.
    func choose(_ supported: [String]) throws(Status) -> String? {
        guard !offered.isEmpty else { return nil }
        guard let chosen = WebSocketHandshake.choose(offered: offered, supported: supported) else {
            throw .badRequest(
                "unable to negotiate protocol: client supports \(offered), server supports \(supported)")
        }
        return chosen
    }

    /// Completes the handshake.
    func accept(_ exchange: HTTPExchange, subprotocol: String?) async throws -> WebSocket {
        guard WebSocketHandshake.isValid(key: key) else {
            throw Status.badRequest("the Sec-WebSocket-Key header is not sixteen bytes in Base64")
        }
        var headers: HTTPHeaders = [
            "Upgrade": "websocket", "Sec-WebSocket-Accept": WebSocketHandshake.accept(key: key),
        ]
        if let subprotocol { headers.add("Sec-WebSocket-Protocol", subprotocol) }
        return WebSocket(try await exchange.upgrade(headers), role: .server)
    }
}
