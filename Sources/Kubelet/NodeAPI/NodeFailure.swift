import Support
import Wire

/// Why the node API does not do what was asked: a status and a sentence, as plain text. The API server makes a `Status`
/// object of it.
struct NodeFailure: Error, Hashable {
    var status: HTTPStatus
    var message: String

    init(_ status: HTTPStatus, _ message: String) {
        self.status = status
        self.message = message
    }

    /// A failure of the runtime, as Kubernetes' streaming server maps them.
    init(_ fault: Fault) {
        switch fault.code {
        case .notFound: status = .notFound
        case .full: status = .tooManyRequests
        default: status = .internalServerError
        }
        message = fault.summary
    }
}

extension HTTPExchange {
    /// Answers with the failure's text.
    func respond(_ failure: NodeFailure) {
        let headers: HTTPHeaders = [
            "Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff",
        ]
        respond(failure.status, headers, Array(failure.message.utf8))
    }
}
