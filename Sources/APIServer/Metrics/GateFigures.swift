import APIMachinery
import Support
import Synchronization
import Wire

/// How many requests were known to be somebody's, and allowed, and how long it took to find out.
///
/// Names, labels and bounds are those of Kubernetes' API server.
final class GateFigures: Sendable {
    /// What became of one request at the gate, and when.
    struct Entry {
        private let begun = ContinuousClock.now
        private var known: ContinuousClock.Instant?
        private var asked: ContinuousClock.Instant?
        private(set) var user: User?
        private(set) var decision: (result: String, time: Duration)?

        /// It is known who sent the request.
        mutating func authenticated(_ user: User) {
            self.user = user
            known = .now
        }

        /// Authorisation begins.
        mutating func asks() { asked = .now }

        /// The last decision counts.
        mutating func decided(_ decision: AccessDecision) {
            let result =
                switch decision {
                case .allow: "allowed"
                case .deny: "denied"
                case .noOpinion: "no-opinion"
                case .failed, .pending: "error"
                }
            self.decision = (result, .now - (asked ?? begun))
        }

        /// What it took to know who sent the request, or that nobody is known to have.
        var authenticationTime: Duration { (known ?? .now) - begun }
    }

    private struct Series {
        var count = 0
        var time = Histogram(GateFigures.bounds)

        mutating func observe(_ duration: Duration) {
            count += 1
            time.observe(duration)
        }
    }

    private struct State {
        var authentication: [String: Series] = ["success": Series(), "failure": Series(), "error": Series()]
        var authorization: [String: Series] = [:]
        var users: [String: Int] = [:]
    }

    /// Upper bounds of the buckets, seconds: a millisecond, doubled 14 times.
    private static let bounds = (0..<15).map { 0.001 * Double(1 << $0) }

    private let state = Mutex(State())
    private let handshakes = Atomic(0)

    func note(_ entry: Entry, _ request: HTTPRequest) {
        let time = entry.authenticationTime
        // Who shows nothing has failed; what is shown and does not hold is an error, as in Kubernetes.
        let result =
            entry.user != nil ? "success" : AuthenticationAttempt(request).isHeeded ? "error" : "failure"
        state.withLock { state in
            state.authentication[result, default: Series()].observe(time)
            if let user = entry.user { state.users[Self.category(user.name), default: 0] += 1 }
            if let (result, time) = entry.decision { state.authorization[result, default: Series()].observe(time) }
        }
    }

    /// A connection came to nothing before anything was said on it, for want of TLS.
    func handshakeFailed() { handshakes.add(1, ordering: .relaxed) }

    /// Names of users are without bound; a few that are everywhere stand for themselves, as in Kubernetes.
    private static func category(_ name: String) -> String {
        switch name {
        case "admin", "client", "kube_proxy", "kubelet", "system:serviceaccount:kube-system:default": name
        default: name.utf8.contains(UInt8(ascii: "@")) ? "email_id" : "other"
        }
    }

    func write(to text: inout MetricText) {
        let (authentication, authorization, users) = state.withLock { ($0.authentication, $0.authorization, $0.users) }
        Self.write(
            authentication, ("authentication_attempts", "Requests by whether it is known who sent them."),
            ("authentication_duration_seconds", "Time to find out who sent a request."), to: &text)
        text.begin("authenticated_user_requests", .counter, "Requests of known users.")
        for (name, count) in users.sorted(by: { $0.key < $1.key }) {
            text.sample("authenticated_user_requests", [("username", name)], Double(count))
        }
        Self.write(
            authorization, ("authorization_attempts_total", "Requests by whether they were allowed."),
            ("authorization_duration_seconds", "Time to find out whether a request is allowed."), to: &text)
        text.begin("apiserver_tls_handshake_errors_total", .counter, "Connections on which TLS was not agreed on.")
        text.sample("apiserver_tls_handshake_errors_total", [], Double(handshakes.load(ordering: .relaxed)))
    }

    private static func write(
        _ series: [String: Series], _ counter: (name: String, help: String), _ histogram: (name: String, help: String),
        to text: inout MetricText
    ) {
        let sorted = series.sorted { $0.key < $1.key }
        text.begin(counter.name, .counter, counter.help)
        for (result, series) in sorted { text.sample(counter.name, [("result", result)], Double(series.count)) }
        text.begin(histogram.name, .histogram, histogram.help)
        for (result, series) in sorted { series.time.write(histogram.name, [("result", result)], to: &text) }
    }
}
