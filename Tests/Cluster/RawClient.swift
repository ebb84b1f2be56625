import APIMachinery
import Host
import Support

/// HTTP without kubectl, which would hide the answer or correct the question.
struct RawClient: Sendable {
    /// Who asks.
    enum Credentials: Sendable {
        case none
        case token(String)
        /// The paths of a certificate and its key.
        case certificate(String, key: String)
    }

    struct Request: Sendable {
        var method = "GET"
        var path: String
        var body: [UInt8]?
        var contentType = "application/json"
        var accept: String?
        var headers: [String] = []
    }

    struct Answer: Sendable {
        var code: Int
        var headers: [String]
        var body: [UInt8]

        /// The body as JSON; null when it is none.
        var value: Value { (try? Value(json: body)) ?? .null }
        var reason: String { value["reason"]?.string ?? "" }
        var message: String { value["message"]?.string ?? "" }
        /// Each as `reason field`.
        var causes: [String] {
            (value.at("details", "causes")?.array ?? []).map {
                "\($0["reason"]?.string ?? "") \($0["field"]?.string ?? "")"
            }
        }
        var text: String { String(decoding: body, as: UTF8.self) }

        func headers(named name: String) -> [String] {
            headers.filter { $0.lowercased().hasPrefix(name.lowercased() + ":") }
                .map { String($0.dropFirst(name.count + 1).drop { $0 == " " }) }
        }
    }

    let server: TestServer
    var credentials: Credentials
    private let authority: String

    /// As the cluster's administrator, unless somebody else is named. `tls` is where the server's credentials lie.
    init(_ server: TestServer, as credentials: Credentials? = nil, tls: String? = nil) {
        self.server = server
        let folder = tls ?? server.folder + "/data/server/tls"
        authority = folder + "/server-ca.crt"
        self.credentials =
            credentials ?? .certificate(folder + "/client-admin.crt", key: folder + "/client-admin.key")
    }

    func send(_ request: Request) async throws -> Answer {
        let outcome = try await command(request, seconds: 20).run(limit: .mebibytes(16))
        guard outcome.status.isSuccess else { throw Unready("\(request.method) \(request.path): \(outcome.errorText)") }
        return try Self.answer(outcome.output)
    }

    func get(_ path: String) async throws -> Answer { try await send(Request(path: path)) }

    /// Promises more bytes than it sends, and goes away.
    func breakOff(_ request: Request) async throws {
        var request = request
        request.headers.append("Content-Length: \((request.body?.count ?? 0) + 1000)")
        _ = try await command(request, seconds: 0.3).run()
    }

    private func command(_ request: Request, seconds: Double) throws -> Command {
        var words = [
            "--silent", "--show-error", "--include", "--http1.1", "--max-time", "\(seconds)", "--path-as-is",
            "--cacert", authority, "--request", request.method,
        ]
        switch credentials {
        case .none: break
        case .token(let token): words += ["--header", "Authorization: Bearer \(token)"]
        case .certificate(let certificate, let key): words += ["--cert", certificate, "--key", key]
        }
        var headers = request.headers + ["Expect:"]
        if let accept = request.accept { headers.append("Accept: \(accept)") }
        if let body = request.body {
            let file = "\(server.folder)/body-\(UInt64.random(in: 0...UInt64.max))"
            try Files.write(body, to: file)
            words += ["--data-binary", "@" + file]
            headers.append("Content-Type: \(request.contentType)")
        }
        for header in headers { words += ["--header", header] }
        return Command("/usr/bin/curl", words + ["https://127.0.0.1:\(server.port)\(request.path)"])
    }

    /// Cuts the head from the body.
    private static func answer(_ bytes: [UInt8]) throws -> Answer {
        let blank = Array("\r\n\r\n".utf8)
        guard let end = bytes.indices.first(where: { bytes[$0...].starts(with: blank) }) else {
            throw Unready("the answer has no head")
        }
        let lines = String(decoding: bytes[..<end], as: UTF8.self).split(separator: "\r\n").map(String.init)
        let words = lines.first?.split(separator: " ") ?? []
        guard words.count > 1, let code = Int(words[1]) else { throw Unready("the answer has no status") }
        return Answer(code: code, headers: Array(lines.dropFirst()), body: Array(bytes[(end + 4)...]))
    }
}
