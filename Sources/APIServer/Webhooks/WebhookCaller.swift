import APIMachinery

/// Calls webhooks: sends an object to a server outside and reads the object that it answers with.
///
/// Admission and the conversion of custom resources go through it.
protocol WebhookCaller: Sendable {
    /// Returns the answer to a call that succeeded (2xx), as JSON.
    func call(_ call: WebhookCall) async throws(WebhookFailure) -> Value
}

/// One call of a webhook.
struct WebhookCall: Sendable {
    var target: WebhookTarget
    var body: Value
    /// From the call to the end of the answer.
    var timeout: Duration
    /// Whether the server is told the time it has, in the query, rounded up to seconds.
    var tellsTimeout = true
    /// What an answer may be at most, bytes.
    var answerLimit = 16 << 20

    /// The URL as it is called, and as errors name it.
    var url: String {
        guard tellsTimeout else { return target.url }
        let (seconds, rest) = timeout.components
        let separator = target.url.contains("?") ? "&" : "?"
        return target.url + separator + "timeout=\(rest > 0 ? seconds + 1 : seconds)s"
    }
}

/// Why there is no answer, in the words of Kubernetes' own client, which people search for.
///
/// The text is what follows `failed to call webhook: ` and `conversion webhook for ... failed: `.
struct WebhookFailure: Error, Hashable, Sendable, CustomStringConvertible {
    enum Kind: Hashable, Sendable {
        /// The configuration cannot be used; nobody was called.
        case configuration
        /// Whoever asked has gone.
        case cancelled
        /// No connection, no certificate that is trusted, no answer in time.
        case unreachable
        /// An answer with another code than 2xx.
        case refused(code: Int)
        /// An answer that is not JSON, or too long.
        case unreadable
    }

    var kind: Kind
    var description: String

    /// The code that stands for the failure in metrics.
    var code: Int {
        switch kind {
        case .configuration: 500
        case .refused(let code): code
        case .cancelled, .unreachable, .unreadable: 503
        }
    }
}
