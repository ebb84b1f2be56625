/// Is told how an exchange is answered, before the answer goes out: for those who write down what was said.
public protocol HTTPAnswerObserver: AnyObject, Sendable {
    /// Called from any thread. `body` is `nil` when it is written little by little. An answer that comes too late, after
    /// another one, is told here all the same: what counts in the end, ``HTTPExchange/whenEnded(_:)`` says.
    func answers(_ status: HTTPStatus, _ headers: HTTPHeaders, _ body: [UInt8]?)
}

/// What the answer of an exchange gets besides what its giver says: headers, and somebody who is told.
///
/// Immutable, so that one may serve many exchanges.
public final class HTTPDecoration: Sendable {
    private let headers: HTTPHeaders
    private let observers: [any HTTPAnswerObserver]

    public init(headers: HTTPHeaders = [:], observer: (any HTTPAnswerObserver)? = nil) {
        self.headers = headers
        observers = observer.map { [$0] } ?? []
    }

    private init(headers: HTTPHeaders, observers: [any HTTPAnswerObserver]) {
        self.headers = headers
        self.observers = observers
    }

    func joined(with other: HTTPDecoration) -> HTTPDecoration {
        var headers = headers
        headers.add(other.headers)
        return HTTPDecoration(headers: headers, observers: observers + other.observers)
    }

    /// The answer's headers with those of the decoration.
    func dress(_ status: HTTPStatus, _ given: HTTPHeaders, _ body: [UInt8]?) -> HTTPHeaders {
        for observer in observers { observer.answers(status, given, body) }
        guard !headers.isEmpty else { return given }
        var headers = given
        headers.add(self.headers)
        return headers
    }
}
