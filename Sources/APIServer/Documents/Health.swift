import APIMachinery
import Synchronization
import Wire

/// `/livez`, `/readyz`, `/healthz`, each with its checks below it, and `/version` (Kubernetes documentation, "Kubernetes
/// API health endpoints").
///
/// What is checked is told by whoever does it, not asked for: the server is healthy when all checks were passed once.
final class Health: DocumentSource {
    private static let endpoints: Set<String> = ["livez", "readyz", "healthz"]

    private let version: [UInt8]
    private let checks: [String]
    private let pending: Mutex<Set<String>>

    /// `checks` are the names of what must be ``pass(_:)``ed before the server is ready.
    init(version: Value, checks: [String]) {
        self.version = version.json
        self.checks = ["ping"] + checks
        pending = Mutex(Set(checks))
    }

    /// A check holds from now on.
    func pass(_ check: String) { pending.withLock { _ = $0.remove(check) } }

    var paths: [String] {
        ["/version"] + Self.endpoints.flatMap { endpoint in ["/" + endpoint] + checks.map { "/\(endpoint)/\($0)" } }
    }

    func document(_ request: HTTPRequest) -> Document? {
        let parts = request.path.split(separator: "/", maxSplits: 1).map(String.init)
        guard let endpoint = parts.first else { return nil }
        if endpoint == "version", parts.count == 1 { return Document(contentType: "application/json", bytes: version) }
        guard Self.endpoints.contains(endpoint) else { return nil }
        let pending = pending.withLock(\.self)
        guard parts.count > 1 else { return Self.summary(endpoint, request.query, checks, pending) }
        guard checks.contains(parts[1]) else { return nil }
        return pending.contains(parts[1])
            ? Self.text("internal server error: not finished\n", .internalServerError) : Self.text("ok")
    }

    /// All checks together, without those that the query excludes: `ok`, or which are missing.
    private static func summary(
        _ endpoint: String, _ query: HTTPQuery, _ checks: [String], _ pending: Set<String>
    ) -> Document {
        let excluded = Set(query.values(of: "exclude"))
        var lines = checks.map { check in
            if excluded.contains(check) { return "[+]\(check) excluded: ok\n" }
            return pending.contains(check) ? "[-]\(check) failed: reason withheld\n" : "[+]\(check) ok\n"
        }
        let unknown = excluded.subtracting(checks).sorted().map { "\"\($0)\"" }
        if !unknown.isEmpty {
            lines.append("warn: some health checks cannot be excluded: no matches for \(unknown.joined(separator: ", "))\n")
        }
        guard pending.isSubset(of: excluded) else {
            return text(lines.joined() + "\(endpoint) check failed\n", .internalServerError)
        }
        return text(query["verbose"] == nil ? "ok" : lines.joined() + "\(endpoint) check passed\n")
    }

    private static func text(_ text: String, _ status: HTTPStatus = .ok) -> Document {
        Document(
            contentType: "text/plain; charset=utf-8", bytes: Array(text.utf8),
            headers: [("Cache-Control", "no-cache, private"), ("X-Content-Type-Options", "nosniff")], status: status)
    }
}
