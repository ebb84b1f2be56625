public import Support

/// Whom a client talks to.
public struct HTTPOrigin: Hashable, Sendable {
    public var address: HTTPAddress
    public var isSecure: Bool

    public init(_ address: HTTPAddress, isSecure: Bool) {
        self.address = address
        self.isSecure = isSecure
    }

    /// The value of a `Host` header (RFC 9110, section 7.2): without the port when it is the scheme's own.
    var hostHeader: String {
        switch address {
        case .tcp(let host, let port):
            port == (isSecure ? 443 : 80) ? (host.contains(":") ? "[\(host)]" : host) : address.description
        case .unix: "localhost"
        }
    }
}

/// What is sent with a request.
public enum HTTPRequestBody: Sendable {
    case none
    case bytes([UInt8])
    /// Bytes that come into being while they are sent; of a known length in bytes or, in chunks, of none.
    /// The receiver's pace slows the sequence down.
    case stream(any AsyncSequence<[UInt8], any Error> & Sendable, length: Int?)
}

/// A request that a client sends.
public struct HTTPClientRequest: Sendable {
    public var method: HTTPMethod
    public var origin: HTTPOrigin
    /// Path and query, percent-encoded; starts with `/`.
    public var target: String
    /// `Host`, `Content-Length` and `Transfer-Encoding` are seen to; a `Host` of your own is kept.
    public var headers: HTTPHeaders
    public var body: HTTPRequestBody
    /// How long the head of the response may take, counted from when the connection stands. `nil`: for ever.
    public var timeout: Duration?
    /// Says that it may arrive twice without harm whatever its method is: then it is sent again when a kept connection
    /// turns out to have been closed.
    public var isRepeatable = false

    public init(
        _ method: HTTPMethod, _ origin: HTTPOrigin, _ target: String, headers: HTTPHeaders = [:],
        body: HTTPRequestBody = .none, timeout: Duration? = .seconds(30)
    ) {
        self.method = method
        self.origin = origin
        self.target = target
        self.headers = headers
        self.body = body
        self.timeout = timeout
    }

    /// A request to `http://host[:port][/path][?query]` or the same with `https`. Fails with `invalid` for
    /// other texts.
    public init(
        _ method: HTTPMethod, url: String, headers: HTTPHeaders = [:], body: HTTPRequestBody = .none,
        timeout: Duration? = .seconds(30)
    ) throws(Fault) {
        guard let parsed = Self.parse(url) else { throw Fault(.invalid, "\(url) is no http or https URL") }
        self.init(method, parsed.origin, parsed.target, headers: headers, body: body, timeout: timeout)
    }

    private static func parse(_ url: String) -> (origin: HTTPOrigin, target: String)? {
        let isSecure = url.hasPrefix("https://")
        guard isSecure || url.hasPrefix("http://") else { return nil }
        let rest = url.dropFirst(isSecure ? 8 : 7)
        let authorityEnd = rest.firstIndex { "/?#".contains($0) } ?? rest.endIndex
        let authority = rest[..<authorityEnd]
        let target = rest[authorityEnd...].prefix { $0 != "#" }
        var host = authority
        var port = isSecure ? 443 : 80
        let bracket = authority.lastIndex(of: "]")
        if let colon = authority.lastIndex(of: ":"), bracket.map({ $0 < colon }) ?? true {
            guard let number = Int(authority[authority.index(after: colon)...]), (1...65_535).contains(number)
            else { return nil }
            (host, port) = (authority[..<colon], number)
        }
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        guard !host.isEmpty, !host.contains("@"), url.utf8.allSatisfy({ $0 > 32 && $0 != 127 }) else {
            return nil
        }
        let origin = HTTPOrigin(.tcp(host: String(host), port: port), isSecure: isSecure)
        return (origin, target.hasPrefix("/") ? String(target) : "/" + target)
    }

    /// Whether it may be sent a second time when nobody can tell if the first arrived (RFC 9110, section
    /// 9.2.2).
    var isReplayable: Bool {
        if case .stream = body { return false }
        return isRepeatable || [.get, .head, .put, .delete, .options].contains(method)
    }
}

/// The head of a response, and its body as it arrives.
///
/// The connection serves the next request when the body was read to its end; if the last copy of the body is
/// dropped before, the connection is closed.
public struct HTTPClientResponse: Sendable {
    public let status: HTTPStatus
    public let headers: HTTPHeaders
    public let version: HTTPVersion
    public let body: HTTPBody
}

/// What a server made of a request to upgrade.
public enum HTTPUpgradeResponse: Sendable {
    /// It switched protocols (101); the headers say to which.
    case upgraded(HTTPHeaders, any ByteStream)
    /// It answered with something else.
    case refused(HTTPClientResponse)
}
