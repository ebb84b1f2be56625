/// Why a message head or its framing was refused, with the status that says so.
struct HTTP1Failure: Error, Equatable {
    var status: HTTPStatus
    var reason: String

    static func malformed(_ reason: String) -> HTTP1Failure {
        HTTP1Failure(status: .badRequest, reason: reason)
    }
    static let headTooLarge = HTTP1Failure(
        status: .headersTooLarge, reason: "the header fields are too large")
}

/// What the fields of a head say about the message that follows and the connection that carries it.
///
/// Gathered while the fields are parsed, so that nobody has to look for them again.
struct HTTP1Framing: Equatable {
    var contentLength: Int?
    var isChunked = false
    var closes = false
    var keepsAlive = false
    var isUpgrade = false
    var expectsContinue = false
    var hosts = 0
}

/// The head of a request as it stood on the wire.
struct HTTP1RequestHead {
    var method: HTTPMethod
    var target: String
    var version: HTTPVersion
    var headers: HTTPHeaders
    var framing: HTTP1Framing

    /// Whether the connection may carry another request after this one (RFC 9112, section 9.3).
    var isKeepAlive: Bool { version == .http1_1 ? !framing.closes : framing.keepsAlive && !framing.closes }
}

/// The head of a response as it stood on the wire.
struct HTTP1ResponseHead {
    var status: HTTPStatus
    var version: HTTPVersion
    var headers: HTTPHeaders
    var framing: HTTP1Framing

    var isKeepAlive: Bool { version == .http1_1 ? !framing.closes : framing.keepsAlive && !framing.closes }
}
