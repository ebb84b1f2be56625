import APIMachinery
import Support
import Synchronization
import Wire

/// `/livez`, `/readyz`, `/healthz`, each with its checks below it, `/version` (Kubernetes documentation, "Kubernetes API
/// health endpoints"), and `/metrics/slis`, which counts how the checks ended ("Kubernetes Component SLI Metrics").
///
/// What is checked is told by whoever does it, not asked for: the server is healthy when all checks were passed once, and
/// until one is said to fail.
final class Health: DocumentSource {
    private enum Endpoint: String, CaseIterable {
        case healthz, livez, readyz
    }

    private struct State {
        var failing: Set<String>
        /// How often each check was passed and failed when all of its endpoint were asked for.
        var passed: [Endpoint: [String: Int]] = [:]
        var failed: [Endpoint: [String: Int]] = [:]
    }

    private let version: [UInt8]
    private let checks: [String]
    /// What must be done before the server is ready, and how long it counts as alive without.
    private let steps: Set<String>
    private let isYoung: @Sendable () -> Bool
    private let state: Mutex<State>

    private static let figuresPath = "/metrics/slis"

    /// The check that fails while the server stops.
    static let shutdown = "shutdown"

    /// What only says that the server may be sent requests, not that it lives.
    private static let readiness: Set<String> = ["etcd-readiness", "informer-sync", shutdown]

    /// What holds as soon as anybody can ask, under the names that Kubernetes has for it: before that the state was
    /// loaded, the definitions of custom resources among it, and the chain of admission was made.
    static let loaded = [
        "log", "etcd", "etcd-readiness", "informer-sync", "poststarthook/start-apiserver-admission-initializer",
        "poststarthook/generic-apiserver-start-informers", "poststarthook/priority-and-fairness-filter",
        "poststarthook/start-apiextensions-informers", "poststarthook/start-apiextensions-controllers",
        "poststarthook/crd-informer-synced",
    ]

    /// `steps` are the names of what must be ``pass(_:)``ed before the server is ready, `loaded` those of what holds
    /// already. While `isYoung` a step that is not done yet is no reason to think that the server does not live
    /// (`--livez-grace-period`).
    init(
        version: Value, loaded: [String] = [], steps: [String], isYoung: @escaping @Sendable () -> Bool = { false }
    ) {
        self.version = version.json
        self.steps = Set(steps)
        self.isYoung = isYoung
        checks = ["ping"] + loaded + steps + [Self.shutdown]
        state = Mutex(State(failing: Set(steps)))
    }

    /// A check holds from now on.
    func pass(_ check: String) { state.withLock { _ = $0.failing.remove(check) } }

    /// A check does not hold from now on.
    func fail(_ check: String) { state.withLock { _ = $0.failing.insert(check) } }

    private func checks(of endpoint: Endpoint) -> [String] {
        endpoint == .readyz ? checks : checks.filter { !Self.readiness.contains($0) }
    }

    // MARK: Documents

    var paths: [String] {
        ["/version", Self.figuresPath]
            + Endpoint.allCases.flatMap { endpoint in
                ["/\(endpoint)"] + checks(of: endpoint).map { "/\(endpoint)/\($0)" }
            }
    }

    func document(_ request: HTTPRequest) -> Document? {
        if request.path == Self.figuresPath { return Document(contentType: MetricText.contentType, bytes: figures) }
        let parts = request.path.split(separator: "/", maxSplits: 1).map(String.init)
        if parts.first == "version", parts.count == 1 {
            return Document(contentType: "application/json", bytes: version)
        }
        guard let endpoint = parts.first.flatMap(Endpoint.init) else { return nil }
        guard parts.count > 1 else { return summary(endpoint, request.query) }
        guard checks(of: endpoint).contains(parts[1]) else { return nil }
        return counted(state.withLock(\.failing), for: endpoint).contains(parts[1])
            ? Self.text("internal server error: \(Self.reason(parts[1]))\n", .internalServerError) : Self.text("ok")
    }

    /// Of what does not hold, what counts.
    private func counted(_ failing: Set<String>, for endpoint: Endpoint) -> Set<String> {
        endpoint == .livez && isYoung() ? failing.subtracting(steps) : failing
    }

    private static func reason(_ check: String) -> String {
        check == shutdown ? "process is shutting down" : "not finished"
    }

    /// All checks together, without those that the query excludes: `ok`, or which are missing.
    private func summary(_ endpoint: Endpoint, _ query: HTTPQuery) -> Document {
        let excluded = Set(query.values(of: "exclude"))
        let checks = checks(of: endpoint)
        let failing = state.withLock { state in
            let failing = counted(state.failing, for: endpoint)
            for check in checks where !excluded.contains(check) {
                if failing.contains(check) {
                    state.failed[endpoint, default: [:]][check, default: 0] += 1
                } else {
                    state.passed[endpoint, default: [:]][check, default: 0] += 1
                }
            }
            return failing
        }
        var lines = checks.map { check in
            if excluded.contains(check) { return "[+]\(check) excluded: ok\n" }
            return failing.contains(check) ? "[-]\(check) failed: reason withheld\n" : "[+]\(check) ok\n"
        }
        let unknown = excluded.subtracting(checks).sorted().map { "\"\($0)\"" }
        if !unknown.isEmpty {
            lines.append("warn: some health checks cannot be excluded: no matches for \(unknown.joined(separator: ","))\n")
        }
        guard failing.intersection(checks).isSubset(of: excluded) else {
            return Self.text(lines.joined() + "\(endpoint) check failed\n", .internalServerError)
        }
        return Self.text(query["verbose"] == nil ? "ok" : lines.joined() + "\(endpoint) check passed\n")
    }

    private static func text(_ text: String, _ status: HTTPStatus = .ok) -> Document {
        Document(
            contentType: "text/plain; charset=utf-8", bytes: Array(text.utf8),
            headers: [("X-Content-Type-Options", "nosniff")], status: status)
    }

    // MARK: Figures

    /// How each check stands, and how often it was passed and failed, by the endpoints that were asked.
    private var figures: [UInt8] {
        let state = state.withLock(\.self)
        let checked = Endpoint.allCases.flatMap { endpoint in checks(of: endpoint).map { (endpoint, $0) } }
        var text = MetricText()
        text.begin("kubernetes_healthcheck", .gauge, "Whether a check holds.")
        for (endpoint, check) in checked {
            let labels = [("name", check), ("type", endpoint.rawValue)]
            text.sample("kubernetes_healthcheck", labels, state.failing.contains(check) ? 0 : 1)
        }
        text.begin("kubernetes_healthchecks_total", .counter, "How checks ended that were asked for.")
        for (endpoint, check) in checked {
            for (status, counts) in [("success", state.passed), ("error", state.failed)] {
                guard let count = counts[endpoint]?[check] else { continue }
                let labels = [("name", check), ("status", status), ("type", endpoint.rawValue)]
                text.sample("kubernetes_healthchecks_total", labels, Double(count))
            }
        }
        return text.bytes
    }
}
