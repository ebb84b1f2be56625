/// What is known of a connection for as long as it lasts.
public final class HTTPConnectionInfo: Sendable {
    public let remoteAddress: HTTPAddress
    public let localAddress: HTTPAddress
    /// Whether the connection is encrypted.
    public let isSecure: Bool
    /// The chain that the client presented, leaf first, each as DER. TLS proved that the client holds the
    /// leaf's key; **nobody has verified the chain**. A resumed session brings the leaf alone.
    public let peerCertificates: [[UInt8]]
    /// The name that the client asked for (SNI).
    public let serverName: String?

    public init(
        remoteAddress: HTTPAddress, localAddress: HTTPAddress, isSecure: Bool = false,
        peerCertificates: [[UInt8]] = [], serverName: String? = nil
    ) {
        self.remoteAddress = remoteAddress
        self.localAddress = localAddress
        self.isSecure = isSecure
        self.peerCertificates = peerCertificates
        self.serverName = serverName
    }
}

/// The head of a request that a server received.
public struct HTTPRequest: Sendable {
    public var method: HTTPMethod
    /// The path as it was sent, percent-encoded. Starts with `/`, or is `*`.
    public let rawPath: String
    /// The path, decoded. A `%2F` has become a `/` here: whoever must tell them apart uses ``rawPath``.
    public let path: String
    /// What follows the `?`, as it was sent; `nil` when there is none.
    public let rawQuery: String?
    public var version: HTTPVersion
    /// In HTTP/2 names are in lower case and `host` is made from `:authority`.
    public var headers: HTTPHeaders
    public let connection: HTTPConnectionInfo

    /// `nil` when the path holds a `%` that starts no escape.
    public init?(
        method: HTTPMethod, target: String, version: HTTPVersion, headers: HTTPHeaders,
        connection: HTTPConnectionInfo
    ) {
        var path = target
        var query: String?
        if let mark = target.utf8.firstIndex(of: UInt8(ascii: "?")) {
            path = String(target[..<mark])
            query = String(target[target.utf8.index(after: mark)...])
        }
        guard let decoded = PercentEncoding.decode(path) else { return nil }
        self.method = method
        self.rawPath = path
        self.path = decoded
        self.rawQuery = query
        self.version = version
        self.headers = headers
        self.connection = connection
    }

    /// The items of the query. Parsed at each call: keep it if you ask for more than one.
    public var query: HTTPQuery { HTTPQuery(rawQuery) }

    /// Path and query as they were sent.
    public var target: String { rawQuery.map { "\(rawPath)?\($0)" } ?? rawPath }

    public var remoteAddress: HTTPAddress { connection.remoteAddress }
    public var localAddress: HTTPAddress { connection.localAddress }
    public var peerCertificates: [[UInt8]] { connection.peerCertificates }
    public var serverName: String? { connection.serverName }
}
