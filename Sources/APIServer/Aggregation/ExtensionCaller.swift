import APIMachinery
import Client
import Support
import Wire

/// Speaks to extension API servers: finds them, trusts them as their APIServices say, and names the user in whose name
/// it asks (Kubernetes documentation, "Configure the Aggregation Layer").
struct ExtensionCaller: Sendable {
    let services: ServiceResolver
    let clients: TrustedClients

    /// How long a server may take for a document about itself.
    private static let patience = Duration.seconds(5)
    private static let documentLimit = 16 << 20

    /// In whose name this server asks for its own purposes.
    static let own = User(name: "system:kube-aggregator", groups: [User.masters])

    /// Where a server is now: one of its endpoints.
    func origin(of server: ExtensionServer) throws(Status) -> HTTPOrigin {
        HTTPOrigin(try services.resolve(server.service, port: server.port), isSecure: true)
    }

    func client(for server: ExtensionServer) throws(Fault) -> HTTPClient { try clients.client(server.trust) }

    /// A JSON document of a server's, from any of its endpoints, read in the name of `user`. Fails with a sentence.
    func document(
        _ path: String, of server: ExtensionServer, as user: User = ExtensionCaller.own,
        accept: String = "application/json"
    ) async throws(Unavailable) -> Value {
        var url = path
        do {
            let origin = try origin(of: server)
            url = "https://\(origin.address)\(path)"
            var headers: HTTPHeaders = ["Accept": accept]
            try headers.vouch(for: user)
            let request = HTTPClientRequest(.get, origin, path, headers: headers, timeout: Self.patience)
            let response = try await client(for: server).send(request)
            guard (200..<300).contains(response.status.code) else {
                let code = response.status.code
                throw Unavailable(description: "bad status from \(url): \(code)", code: code)
            }
            return try Value(json: try await response.body.collect(limit: Self.documentLimit))
        } catch let status as Status {
            throw Unavailable(description: status.message)
        } catch {
            throw Unavailable(
                description: "failing or missing response from \(url): " + Self.explanation(error, url),
                code: (error as? Unavailable)?.code ?? 0)
        }
    }

    /// Sends a request with a document to any of a server's endpoints, in the name of `user`, and returns the document
    /// that it answers with. A refusal is the server's own.
    func send(
        _ method: HTTPMethod, _ path: String, _ body: Value?, to server: ExtensionServer, as user: User
    ) async throws(Status) -> Value {
        do {
            var headers: HTTPHeaders = ["Accept": "application/json"]
            if body != nil { headers.add("Content-Type", "application/json") }
            try headers.vouch(for: user)
            let request = HTTPClientRequest(
                method, try origin(of: server), path, headers: headers, body: body.map { .bytes($0.json) } ?? .none)
            let response = try await client(for: server).send(request)
            let bytes = try await response.body.collect(limit: Self.documentLimit)
            let answer = try? Value(json: bytes)
            guard (200..<300).contains(response.status.code) else {
                throw answer.flatMap { Status($0) }
                    ?? Status(
                        code: response.status.code, reason: .unknown,
                        message: "\(server.groupVersion) answered with status \(response.status.code)")
            }
            return answer ?? .emptyObject
        } catch let status as Status {
            throw status
        } catch {
            throw .serviceUnavailable("\(server.groupVersion): " + Self.explanation(error, path))
        }
    }

    private static func explanation(_ error: any Error, _ url: String) -> String {
        switch error {
        case let error as Unavailable: error.description
        case let fault as Fault: "Get \(GoText.quoted(url)): \(WebhookFailure.words(for: fault))"
        default: "Get \(GoText.quoted(url)): \(error)"
        }
    }

    /// Why a document could not be had.
    struct Unavailable: Error, Hashable, CustomStringConvertible {
        var description: String
        /// The code of the answer, if there was one.
        var code = 0
    }
}

extension HTTPHeaders {
    private static let userHeaders: Set<String> = ["x-remote-user", "x-remote-uid", "x-remote-group"]
    private static let extraPrefix = "x-remote-extra-"

    /// Names the user to a server that believes the front proxy's certificate; what a client claimed in these headers
    /// is dropped. Fails when a name could be taken for several lines.
    mutating func vouch(for user: User) throws(Status) {
        for (name, _) in self where Self.vouchesForUser(name.lowercased()) { remove(name) }
        try vouch("X-Remote-User", user.name)
        if !user.uid.isEmpty { try vouch("X-Remote-Uid", user.uid) }
        for group in user.groups { try vouch("X-Remote-Group", group) }
        for (key, values) in user.extra.sorted(by: { $0.key < $1.key }) {
            for value in values { try vouch("X-Remote-Extra-" + PercentEncoding.encode(key.lowercased()), value) }
        }
    }

    /// Whether a header of this name, in lower case, says who a user is in the words of a proxy.
    static func vouchesForUser(_ name: String) -> Bool { userHeaders.contains(name) || name.hasPrefix(extraPrefix) }

    private mutating func vouch(_ name: String, _ value: String) throws(Status) {
        guard value.utf8.allSatisfy({ $0 >= 32 && $0 != 127 || $0 == 9 }) else {
            throw .internalError("the user has a name, group or fact that no header can carry")
        }
        add(name, value)
    }
}
