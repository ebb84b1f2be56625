import APIMachinery
import Support
import Wire

extension WebhookFailure {
    /// A call that came to no answer.
    init(_ error: any Error, calling url: String) {
        switch error {
        case let failure as WebhookFailure: self = failure
        case is CancellationError: self = Self(kind: .cancelled, url, "context canceled")
        case is WebhookDeadline: self = Self(kind: .unreachable, url, "context deadline exceeded")
        case let status as Status: self = Self(kind: .unreachable, url, status.message)
        case HTTPBodyError.tooLarge(let limit):
            self = Self(kind: .unreadable, description: "the answer is longer than \(limit) bytes")
        case let fault as Fault: self = Self(kind: .unreachable, url, Self.words(for: fault))
        default: self = Self(kind: .unreachable, url, "unexpected EOF")
        }
    }

    private init(kind: Kind, _ url: String, _ why: String) {
        self.init(kind: kind, description: "Post \(GoText.quoted(url)): \(why)")
    }

    /// Why a server could not be talked to, as Go says it.
    static func words(for fault: Fault) -> String {
        fault.code == .timedOut ? "context deadline exceeded" : Status.explanation(fault)
    }

    /// An answer that is no success: the Status in its body, or what its code means.
    init(_ status: HTTPStatus, body: [UInt8]) {
        kind = .refused(code: status.code)
        if let value = try? Value(json: body), let told = Status(value), !told.message.isEmpty {
            description = told.message
            return
        }
        let text = String(decoding: body.prefix(2048), as: UTF8.self)
        switch status.code {
        case 400: description = "the server rejected our request for an unknown reason"
        case 401: description = "the server has asked for the client to provide credentials"
        case 403, 406, 415: description = text.isEmpty ? "unknown" : text
        case 404: description = "the server could not find the requested resource"
        case 405: description = "the server does not allow this method on the requested resource"
        case 409: description = "the server reported a conflict"
        case 422: description = "the server rejected our request due to an error in our request"
        case 429:
            description = "the server has received too many requests and has asked us to try again later"
        case 503: description = "the server is currently unable to handle the request"
        case 504:
            description = "the server was unable to return a response in the time allotted, but may still be processing "
                + "the request"
        case 500...:
            description = "an error on the server (\(GoText.quoted(text.isEmpty ? "unknown" : text))) has prevented the "
                + "request from succeeding"
        case let code:
            description = "the server responded with the status code \(code) but did not return more information"
        }
    }
}

/// The time for a call is over.
struct WebhookDeadline: Error {}
