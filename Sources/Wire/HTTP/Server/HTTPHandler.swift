/// Answers requests.
public protocol HTTPHandler: Sendable {
    /// A request's head was read. Called on the event loop of its connection, which serves thousands of
    /// others: it must return at once. Either answer here (``HTTPExchange/respond(_:_:_:)``), or ask for the
    /// body with a callback, or hand the exchange to a task (``HTTPExchange/run(_:)``) and return.
    ///
    /// Every exchange must be answered in the end. One that is not keeps its connection waiting.
    func handle(_ request: HTTPRequest, _ exchange: HTTPExchange)

    /// A connection ended before TLS was agreed on: nothing was said on it. Called on its event loop. Does nothing unless
    /// the handler wants to know.
    func handshakeFailed()
}

extension HTTPHandler {
    public func handshakeFailed() {}
}

/// How an exchange ended.
public enum HTTPExchangeEnd: Sendable, Equatable {
    /// The response was handed to the connection completely. Its status is not known any more once the connection
    /// has gone on to another request.
    case completed(HTTPStatus?)
    /// The client went away, or the server was stopped, before that. With the status of the answer if it had begun.
    case broken(HTTPStatus?)

    /// Of the answer, as far as it went; `nil` when none had begun.
    public var status: HTTPStatus? {
        switch self {
        case .completed(let status), .broken(let status): status
        }
    }
}
