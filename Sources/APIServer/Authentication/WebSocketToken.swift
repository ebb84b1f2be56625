import APIMachinery
import Support
import Wire

/// The token of a browser's WebSocket: a browser cannot send `Authorization`, and offers a subprotocol
/// `base64url.bearer.authorization.k8s.io.TOKEN` instead. Nobody behind this server is shown it.
enum WebSocketToken {
    private static let field = "Sec-WebSocket-Protocol"
    private static let prefix = "base64url.bearer.authorization.k8s.io."

    /// `nil` when the request brings none. Throws 401 when it brings one that cannot be read, or several, or offers no
    /// other subprotocol: there must be one left to agree upon.
    static func token(of request: HTTPRequest) throws(Status) -> String? {
        let fields = request.headers.values(of: field)
        guard fields.contains(where: { $0.contains(prefix) }), request.headers.lists("websocket", in: "Upgrade"),
            request.headers.lists("upgrade", in: "Connection")
        else { return nil }
        let tokens = fields.flatMap { HTTPFieldValue.list($0) }.filter { $0.hasPrefix(prefix) }
        guard let only = tokens.first else { return nil }
        guard tokens.count == 1, !withoutTokens(fields).isEmpty, let bytes = Base64.decode(only.dropFirst(prefix.count))
        else { throw .unauthorized }
        return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
    }

    /// The subprotocols that header fields offer, but for tokens.
    static func withoutTokens(_ fields: [String]) -> [String] {
        fields.flatMap { HTTPFieldValue.list($0) }.filter { !$0.hasPrefix(prefix) }
    }

    /// Takes tokens out of what is passed on.
    static func remove(from headers: inout HTTPHeaders) {
        let fields = headers.values(of: field)
        guard fields.contains(where: { $0.contains(prefix) }) else { return }
        let rest = withoutTokens(fields)
        headers.remove(field)
        if !rest.isEmpty { headers.add(field, rest.joined(separator: ", ")) }
    }
}
