import Host
import Support
import Synchronization
import Wire

extension NodeAPI {
    /// `/logs/` and what is below it: a file or a folder of the system's logs or, when one is asked for, the log of a
    /// service.
    func sendSystemLogs(_ request: HTTPRequest, _ exchange: HTTPExchange) async throws {
        guard handlers.showsSystemLogs else {
            throw NodeFailure(.methodNotAllowed, "logs endpoint is disabled.\n")
        }
        let wanted = Self.cleaned(request.path)
        guard wanted == request.path else { return Self.lead(request, exchange, to: wanted) }
        let query = request.query
        var path = String(wanted.dropFirst("/logs".count))
        if handlers.answersLogQueries, let asked = try Self.asked(query) {
            guard path == "/" else { throw NodeFailure(.notAcceptable, "path not allowed in query mode\n") }
            do throws(NodeLogQuery.Invalid) { try asked.validate(fileProblem) } catch {
                throw NodeFailure(.notAcceptable, error.message + "\n")
            }
            guard let file = asked.files.first else { return try await sendServiceLogs(asked, request, exchange) }
            path = file.hasPrefix("/") ? file : "/" + file
        }
        try await FileExchange(folder: systemLogs, path: path, request: request, exchange: exchange).answer()
    }

    private var systemLogs: SystemLogFolder { SystemLogFolder(root: layout.systemLogs) }

    private static func asked(_ query: HTTPQuery) throws(NodeFailure) -> NodeLogQuery? {
        do throws(NodeLogQuery.Invalid) { return try NodeLogQuery.read(query) } catch {
            throw NodeFailure(.badRequest, error.message + "\n")
        }
    }

    /// In the words of Go's `os.Stat`.
    private func fileProblem(_ file: String) -> String? {
        do throws(Fault) {
            _ = try systemLogs.entry(file)
            return nil
        } catch {
            let path = Path.join(layout.systemLogs, Path.cleaned(file))
            return "stat \(path): " + (error.errno?.description.lowercased() ?? error.summary)
        }
    }

    /// As Go's `http.ServeMux` has paths, one that ends in a slash included.
    private static func cleaned(_ path: String) -> String {
        let cleaned = Path.cleaned(path)
        return cleaned == "/logs" || (path.hasSuffix("/") && cleaned != "/") ? cleaned + "/" : cleaned
    }

    private static func lead(_ request: HTTPRequest, _ exchange: HTTPExchange, to path: String) {
        let location = FolderPage.encoded(path) + (request.rawQuery.map { "?" + $0 } ?? "")
        let page = "<a href=\"\(FolderPage.escaped(location))\">Temporary Redirect</a>.\n\n"
        exchange.respond(
            .temporaryRedirect, ["Location": location, "Content-Type": "text/html; charset=utf-8"], Array(page.utf8))
    }

    // MARK: Logs of services

    /// As long as an answer may take.
    private static let queryPatience = Duration.seconds(30)

    private func sendServiceLogs(
        _ query: NodeLogQuery, _ request: HTTPRequest, _ exchange: HTTPExchange
    ) async throws {
        var headers: HTTPHeaders = ["Content-Type": "text/plain;charset=UTF-8"]
        // Nothing else counts in Kubernetes, no list and no quality.
        let isPacked = request.headers["Accept-Encoding"] == "gzip"
        if isPacked { headers["Content-Encoding"] = "gzip" }
        let text = SentText(exchange.startResponse(.ok, headers), isPacked: isPacked)
        guard request.method != .head else { return }
        let source = NodeLogSource(folder: systemLogs, journalProgram: handlers.journalProgram)
        let answered = try await withTimeLimit(Self.queryPatience) { () async throws -> Bool in
            do {
                try await source.answer(query) { part in try await text.send(part) }
            } catch is CancellationError {
                // The time is over, or the client is gone.
                return false
            }
            return true
        }
        try Task.checkCancellation()
        if answered != true { try await text.send(Array("\ncontext error: context deadline exceeded\n".utf8)) }
        try await text.finish()
    }
}

/// A text that is written little by little, packed if the client wants it so. One task writes at a time.
private final class SentText: Sendable {
    private struct Packer: ~Copyable {
        private var gzip: GzipEncoder?

        init(isPacked: Bool) { gzip = isPacked ? GzipEncoder() : nil }

        mutating func take(_ bytes: [UInt8], isLast: Bool) -> [UInt8] {
            gzip?.compress(bytes, isLast: isLast) ?? bytes
        }
    }

    private let writer: HTTPBodyWriter
    private let packer: Mutex<Packer>

    init(_ writer: HTTPBodyWriter, isPacked: Bool) {
        self.writer = writer
        packer = Mutex(Packer(isPacked: isPacked))
    }

    /// Waits until there is room for more.
    func send(_ bytes: [UInt8]) async throws { try await send(bytes, isLast: false) }

    func finish() async throws { try await send([], isLast: true) }

    private func send(_ bytes: [UInt8], isLast: Bool) async throws {
        let sent = packer.withLock { $0.take(bytes, isLast: isLast) }
        if !sent.isEmpty { try await writer.send(sent) }
    }
}
