import API
import APIMachinery
import APIServer
import Client
import Datastore
import Logging
import PKI
import Support
import Testing
import Wire

/// A whole API server over logs in memory. Requests over HTTP come from service accounts, by their tokens.
struct TestAPI: Sendable {
    let server: APIServer
    let origin: HTTPOrigin
    private let http = HTTPClient()

    /// `change` says what is not as usual.
    static func open(_ change: (inout APIServerOptions) throws -> Void = { _ in }) async throws -> APIServer {
        var options = try options()
        try change(&options)
        return try await APIServer.open(options)
    }

    static func options() throws -> APIServerOptions {
        APIServerOptions(
            durable: MemoryDatastore(), volatile: MemoryDatastore(), clientAuthorities: [],
            serviceAccountKeys: [try PrivateKey.generateP256()],
            serviceCIDR: try #require(IPPrefix("10.43.0.0/16")),
            advertiseAddress: try #require(IPAddress("127.0.0.1")), advertisePort: 6443,
            version: ["gitVersion": "v1.36.3+k3s1"])
    }

    /// Runs the server, its first objects made, on loopback while `body` uses it.
    static func run(
        _ change: (inout APIServerOptions) throws -> Void = { _ in },
        _ body: @escaping @Sendable (TestAPI) async throws -> Void
    ) async throws {
        let server = try await open(change)
        await server.bootstrap()
        let front = HTTPServer(handler: server.handler, log: Logger(label: "test"))
        let address = try await front.listen(on: .tcp(host: "127.0.0.1", port: 0))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await front.run() }
            group.addTask { await server.run(reportingTo: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }) }
            let result: Result<Void, any Error>
            do {
                result = .success(
                    try await body(TestAPI(server: server, origin: HTTPOrigin(address, isSecure: false))))
            } catch {
                result = .failure(error)
            }
            await front.stop(within: .zero)
            group.cancelAll()
            await server.close()
            try result.get()
        }
    }

    private init(server: APIServer, origin: HTTPOrigin) {
        self.server = server
        self.origin = origin
    }

    /// A token of an account in the namespace `default`, which gets these rights in the whole cluster.
    func token(_ account: String, rules: [Value] = []) async throws -> String {
        let client = server.client()
        try await client.create(ServiceAccount(namespace: "default", name: account))
        _ = try await client.create(
            Target(.clusterRoles), ["metadata": ["name": .string(account)], "rules": .array(rules)], WriteOptions())
        _ = try await client.create(
            Target(.clusterRoleBindings),
            [
                "metadata": ["name": .string(account)],
                "roleRef": [
                    "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": .string(account),
                ],
                "subjects": [["kind": "ServiceAccount", "namespace": "default", "name": .string(account)]],
            ], WriteOptions())
        let answer = try await client.create(
            Target(.serviceAccounts, namespace: "default", name: account, subresource: "token"), [:], WriteOptions())
        return try #require(answer.value.at("status", "token")?.string)
    }

    /// Sends a request; the answer's body is there as far as it has come. `text` is a body of any form.
    func send(
        _ method: HTTPMethod, _ target: String, token: String, headers: HTTPHeaders = [:], body: Value? = nil,
        text: String? = nil
    ) async throws -> HTTPClientResponse {
        var headers = headers
        headers.add("Authorization", "Bearer " + token)
        var request = HTTPClientRequest(method, origin, target, headers: headers)
        if let body {
            if request.headers["Content-Type"] == nil { request.headers["Content-Type"] = "application/json" }
            request.body = .bytes(body.json)
        }
        if let text { request.body = .bytes(Array(text.utf8)) }
        return try await http.send(request)
    }

    /// Sends a request and reads the whole answer.
    func ask(
        _ method: HTTPMethod, _ target: String, token: String, headers: HTTPHeaders = [:], body: Value? = nil
    ) async throws -> (code: Int, text: String) {
        let response = try await send(method, target, token: token, headers: headers, body: body)
        return (response.status.code, String(decoding: try await response.body.collect(limit: 16 << 20), as: UTF8.self))
    }

    /// Sends a body of JSON as it comes into being.
    func stream(
        _ method: HTTPMethod, _ target: String, token: String, body: AsyncThrowingStream<[UInt8], any Error>
    ) async throws -> HTTPClientResponse {
        let headers: HTTPHeaders = ["Authorization": "Bearer " + token, "Content-Type": "application/json"]
        var request = HTTPClientRequest(method, origin, target, headers: headers)
        request.body = .stream(body, length: nil)
        return try await http.send(request)
    }

    /// Sends a body of any media type and reads the whole answer.
    func raw(
        _ method: HTTPMethod, _ target: String, token: String, type: String, headers: HTTPHeaders, body: [UInt8]
    ) async throws -> (code: Int, bytes: [UInt8]) {
        var headers = headers
        headers.add("Authorization", "Bearer " + token)
        headers.add("Content-Type", type)
        var request = HTTPClientRequest(method, origin, target, headers: headers)
        request.body = .bytes(body)
        let response = try await http.send(request)
        return (response.status.code, try await response.body.collect(limit: 1 << 20))
    }
}
