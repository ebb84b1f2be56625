import APIMachinery
import Synchronization
import Wire

/// `/livez`, `/readyz`, `/healthz`, `/version`.
///
/// Ready means: the state is loaded and the bootstrap objects exist. The checks are told, not polled.
final class Health: DocumentSource {
    private let version: [UInt8]
    private let pending: Mutex<[String]>

    /// `checks` are the names of what must be ``pass(_:)``ed before the server is ready.
    init(version: Value, checks: [String]) {
        self.version = version.json
        pending = Mutex(checks)
    }

    /// A check holds from now on.
    func pass(_ check: String) { pending.withLock { pending in pending.removeAll { $0 == check } } }

    func document(_ request: HTTPRequest) throws(Status) -> Document? {
        switch request.path {
        case "/version", "/version/": return Document(contentType: "application/json", bytes: version)
        case "/livez", "/livez/ping": return text("ok")
        case "/readyz", "/healthz", "/readyz/ping", "/healthz/ping":
            let pending = pending.withLock(\.self)
            guard let first = pending.first else {
                return text(request.query["verbose"] == nil ? "ok" : "[+]ping ok\n\(request.path.dropFirst()) check passed\n")
            }
            throw Status(code: 500, reason: .internalError, message: "[-]\(first) failed: reason withheld")
        default: return nil
        }
    }

    private func text(_ text: String) -> Document {
        Document(
            contentType: "text/plain; charset=utf-8", bytes: Array(text.utf8),
            headers: [("Cache-Control", "no-cache, private"), ("X-Content-Type-Options", "nosniff")])
    }
}
