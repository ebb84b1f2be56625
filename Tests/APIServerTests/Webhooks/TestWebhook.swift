import APIMachinery
import Logging
import PKI
import Support
import Wire

/// A webhook server of the test's own, on loopback, with a certificate of its own authority.
struct TestWebhook: Sendable {
    /// Answers a request with a code and a body.
    typealias Answer = @Sendable (HTTPRequest, [UInt8]) async throws -> (code: Int, body: [UInt8])

    let port: Int
    /// The authority to trust, as PEM.
    let authority: [UInt8]

    /// The service that a certificate names besides the loopback address.
    static let service = ObjectName(namespace: "hooks", name: "web")

    /// A URL of the server.
    func url(_ path: String = "/") -> String { "https://127.0.0.1:\(port)\(path)" }

    /// A webhook configuration's `clientConfig` that leads here.
    func clientConfig(_ path: String = "/") -> Value {
        ["url": .string(url(path)), "caBundle": .string(Base64.encode(authority))]
    }

    /// Runs the server while `body` uses it.
    static func run(
        answer: @escaping Answer, _ body: @escaping @Sendable (TestWebhook) async throws -> Void
    ) async throws {
        try await run(handler: Handler(answer: answer), body)
    }

    /// The same with a handler of its own.
    static func run(
        handler: any HTTPHandler, _ body: @escaping @Sendable (TestWebhook) async throws -> Void
    ) async throws {
        let (identity, authority) = try identity()
        let server = HTTPServer(handler: handler, log: Logger(label: "test"))
        let bound = try await server.listen(on: .tcp(host: "127.0.0.1", port: 0), certificates: identity)
        guard case .tcp(_, let port) = bound else { throw Unexpected("no port") }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await server.run() }
            let result: Result<Void, any Error>
            do {
                result = .success(try await body(TestWebhook(port: port, authority: authority)))
            } catch {
                result = .failure(error)
            }
            await server.stop(within: .zero)
            try await group.waitForAll()
            try result.get()
        }
    }

    private static func identity() throws -> (TLSIdentity, authority: [UInt8]) {
        let (now, day) = (Timestamp.now.seconds, Int64(86_400))
        let (start, end) = (Timestamp(seconds: now - day), Timestamp(seconds: now + day))
        let authority = try CertificateAuthority(
            selfSigned: CertificateTemplate(
                subject: DistinguishedName(commonName: "webhook-ca"), keyUsage: [.certificateSigning],
                isAuthority: true, notBefore: start, notAfter: end), key: try PrivateKey.generateP256())
        let key = try PrivateKey.generateP256()
        let leaf = try authority.issue(
            CertificateTemplate(
                subject: DistinguishedName(commonName: "webhook"),
                subjectAlternativeNames: [
                    SubjectAlternativeName("127.0.0.1"), .dns("\(service.name).\(service.namespace).svc"),
                ], extendedKeyUsages: [.serverAuth], notBefore: start, notAfter: end), for: key.publicKey)
        return (try TLSIdentity(certificatePEM: leaf.pem, keyPEM: key.pem), authority.pem)
    }

    private struct Handler: HTTPHandler {
        let answer: Answer

        func handle(_ request: HTTPRequest, _ exchange: HTTPExchange) {
            exchange.run {
                let body = try await exchange.body(limit: 4 << 20)
                let (code, bytes) = try await answer(request, body)
                exchange.respond(HTTPStatus(code), ["Content-Type": "application/json"], bytes)
            }
        }
    }
}
