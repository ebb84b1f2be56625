import APIMachinery
import Client
import Wire

/// How long a request may take before the server answers in the place of whoever should have.
struct RequestDeadline: Sendable {
    /// `--request-timeout`.
    var longest = Duration.seconds(60)
    /// `--min-request-timeout`.
    var shortestWatch = Duration.seconds(1800)

    /// How long a watch lasts whose query asks for so many seconds, 0 for none.
    func end(ofWatchFor asked: Int64) -> Duration {
        guard asked <= 0 else { return .seconds(min(asked, Self.longestWatch)) }
        // Spread out, so that the watches of one restart do not all end at once.
        let shortest = min(shortestWatch.components.seconds, Self.longestWatch)
        return .seconds(Int64.random(in: shortest...min(2 * shortest, Self.longestWatch)))
    }

    /// Seconds: a year.
    private static let longestWatch: Int64 = 365 * 86_400

    /// What the query's `timeout` asks for, no more than the longest; `nil` for requests whose nature it is to last.
    func limit(of call: FrontCall) throws(Status) -> Duration? {
        guard !call.info.isLong else { return nil }
        guard let text = call.query["timeout"], !text.isEmpty else { return longest }
        guard let asked = try? GoDuration.parse(text) else {
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
