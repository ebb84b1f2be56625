import APIMachinery
import Support
import Wire

/// Docker's Engine API over its Unix socket: JSON over HTTP, in one version of it.
struct DockerClient: Sendable {
    let version: DockerVersion
    private let origin: HTTPOrigin
    private let http: HTTPClient

    /// For calls that answer at once.
    static let patience = Duration.seconds(120)
    /// The longest answer that is read: lists of containers and images, and what one is made of.
    private static let answerLimit = 64 << 20

    /// Asks the Docker at `socket` for its version. Fails with `unavailable` while nobody answers there, and with
    /// `unsupported` when no version of the interface is known to both.
    static func connect(_ socket: String) async throws(Fault) -> DockerClient {
        let (origin, http) = (HTTPOrigin(.unix(path: socket), isSecure: false), HTTPClient())
        let unsettled = DockerClient(version: .least, origin: origin, http: http)
        let answer = try await unsettled.call(.get, "/version", isVersioned: false, "cannot ask Docker for its version")
        let version = try DockerVersion.negotiated(answer)
        return DockerClient(version: version, origin: origin, http: http)
    }

    private init(version: DockerVersion, origin: HTTPOrigin, http: HTTPClient) {
        (self.version, self.origin, self.http) = (version, origin, http)
    }

    // MARK: Calling

    /// Calls and returns the answer; `null` when there is none. What has been done already (304) is done. `summary` says what
    /// was tried, for the fault, whose code is `notFound` or `conflict` where Docker says so.
    func call(
        _ method: HTTPMethod, _ path: String, query: [(String, String)] = [], body: Value? = nil,
        timeout: Duration? = DockerClient.patience, isVersioned: Bool = true, _ summary: @autoclosure () -> String
    ) async throws(Fault) -> Value {
        let content: HTTPRequestBody = if let body { .bytes(body.json) } else { .none }
        let request = request(method, path, query, content, timeout, isVersioned)
        do {
            let response = try await http.send(request)
            try await Self.check(response, summary())
            let bytes = try await response.body.collect(limit: Self.answerLimit)
            return try bytes.isEmpty ? .null : Value(json: bytes)
        } catch {
            throw Self.fault(error, summary())
        }
    }

    /// Calls, and hands the body's lines on as they come, each a JSON value, until it ends or the task is cancelled.
    /// `begun` is called when Docker has taken the request.
    func lines(
        _ method: HTTPMethod, _ path: String, query: [(String, String)] = [], headers: HTTPHeaders = [:],
        body: HTTPRequestBody = .none, _ summary: @autoclosure () -> String, begun: @Sendable () async -> Void = {},
        _ take: @Sendable (Value) async -> Void
    ) async throws(Fault) {
        var request = request(method, path, query, body, nil, true)
        for (name, value) in headers { request.headers[name] = value }
        do {
            let response = try await http.send(request)
            try await Self.check(response, summary())
            await begun()
            var lines = DockerLines()
            for try await chunk in response.body {
                for line in lines.take(chunk) { await take(line) }
            }
            if let line = lines.finish() { await take(line) }
        } catch {
            throw Self.fault(error, summary())
        }
    }

    /// Turns the connection into the streams of a process.
    func hijack(
        _ path: String, query: [(String, String)] = [], body: Value, _ summary: @autoclosure () -> String
    ) async throws(Fault) -> any ByteStream {
        var request = request(.post, path, query, .bytes(body.json), Self.patience, true)
        request.headers.add("Upgrade", "tcp")
        do {
            switch try await http.upgrade(request) {
            case .upgraded(_, let stream): return stream
            case .refused(let response):
                try await Self.check(response, summary())
                throw Fault(.corrupt, "\(summary()): Docker gave no stream")
            }
        } catch {
            throw Self.fault(error, summary())
        }
    }

    // MARK: Parts of it

    private func request(
        _ method: HTTPMethod, _ path: String, _ query: [(String, String)], _ body: HTTPRequestBody, _ timeout: Duration?,
        _ isVersioned: Bool
    ) -> HTTPClientRequest {
        var target = isVersioned ? "/v\(version)\(path)" : path
        if !query.isEmpty {
            let parts = query.map { name, value in "\(name)=\(PercentEncoding.encode(value))" }
            target += "?" + parts.joined(separator: "&")
        }
        var headers = HTTPHeaders()
        if case .bytes = body { headers.add("Content-Type", "application/json") }
        return HTTPClientRequest(method, origin, target, headers: headers, body: body, timeout: timeout)
    }

    /// Throws what Docker says when it has refused.
    private static func check(_ response: HTTPClientResponse, _ summary: String) async throws {
        guard response.status.code >= 400 else { return }
        let bytes = try await response.body.collect(limit: 256 << 10)
        let told = (try? Value(json: bytes))?["message"]?.string ?? String(decoding: bytes.prefix(1000), as: UTF8.self)
        throw refusal(response.status.code, told, summary)
    }

    /// The same codes that a runtime of the interface would answer with.
    static func refusal(_ status: Int, _ message: String, _ summary: String) -> Fault {
        let code: GRPCStatus.Code =
            switch status {
            case 400: .invalidArgument
            case 401, 403: .permissionDenied
            case 404: .notFound
            case 409: .alreadyExists
            case 501: .unimplemented
            case 503: .unavailable
            default: .unknown
            }
        return Fault(summary, GRPCStatus(code, message))
    }

    private static func fault(_ error: any Error, _ summary: String) -> Fault {
        switch error {
        case let fault as Fault:
            guard fault.cause is GRPCStatus else {
                return Fault(fault.code, "\(summary): \(fault.summary)", remedy: fault.remedy, cause: fault.cause)
            }
            return fault
        case let error as JSONError: return Fault(.corrupt, "\(summary): the answer cannot be read", cause: error)
        case is CancellationError: return Fault(.unavailable, "\(summary): it was cancelled", cause: error)
        default: return Fault(.unavailable, "\(summary): Docker's answer broke off", cause: error)
        }
    }
}

extension DockerClient {
    /// The entries of the containers that a filter lets through, those that have ended among them.
    func containers(_ filter: DockerFilter, isRunning: Bool = false, hasSizes: Bool = false) async throws(Fault) -> [Value] {
        var query = [("filters", filter.json)]
        if !isRunning { query.append(("all", "true")) }
        if hasSizes { query.append(("size", "true")) }
        return try await call(.get, "/containers/json", query: query, "cannot list containers").array ?? []
    }

    func inspect(_ id: String) async throws(Fault) -> Value {
        try await call(.get, "/containers/\(id)/json", "cannot look at the container \(id)")
    }

    /// `nil` for one that is not there.
    func inspectIfThere(_ id: String) async throws(Fault) -> Value? {
        do throws(Fault) { return try await inspect(id) } catch where error.code == .notFound { return nil }
    }

    /// `nil` for one that is not there. `name` is an id or a name that Docker understands.
    func image(_ name: String) async throws(Fault) -> Value? {
        do throws(Fault) {
            return try await call(.get, "/images/\(name)/json", "cannot look at the image \(name)")
        } catch where error.code == .notFound {
            return nil
        }
    }
}
