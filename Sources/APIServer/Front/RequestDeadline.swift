import APIMachinery
import Client
import Wire

/// How long a request may take before the server answers in the place of whoever should have.
struct RequestDeadline: Sendable {
    /// `--request-timeout`.
    var longest = Duration.seconds(60)

    /// What the query's `timeout` asks for, no more than the longest; `nil` for requests whose nature it is to last.
    func limit(of call: FrontCall) throws(Status) -> Duration? {
        guard !call.info.isLong else { return nil }
        guard let text = call.query["timeout"], !text.isEmpty else { return longest }
        guard let asked = try? GoDuration.parse(text), asked >= .zero else {
            throw .badRequest("invalid timeout specified in the request URL: \"\(text)\" is no duration such as 30s")
        }
        return asked > .zero ? min(asked, longest) : longest
    }
}

extension Status {
    /// The 504 answer to a request that took too long.
    static let late = Status(
        code: 504, reason: .timeout, message: "Timeout: request did not complete within the allotted timeout",
        details: Details())
}
