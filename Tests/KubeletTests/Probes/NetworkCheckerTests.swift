import API
import APIMachinery
import Logging
import PKI
import Runtime
import Support
import Testing
import Wire

@testable import Kubelet

@Suite struct NetworkCheckerTests {
    /// Answers by its path.
    private struct Server: HTTPHandler {
        func handle(_ request: HTTPRequest, _ exchange: HTTPExchange) {
            switch request.path {
            case "/ok": exchange.respond(.ok)
            case "/loop": exchange.respond(HTTPStatus(302), ["Location": "/loop"])
            case "/away": exchange.respond(HTTPStatus(302), ["Location": "http://elsewhere.invalid/"], Array("go away".utf8))
            case "/moved": exchange.respond(HTTPStatus(302), ["Location": "/ok"])
            case "/silent": return
            case "/host": exchange.respond(request.headers["Host"] == "named.test" ? .ok : .notFound)
            default: exchange.respond(HTTPStatus(500))
            }
        }
    }

    private let checker = NetworkChecker { _, command, _ throws(Fault) in
        var response = CRI.ExecSyncResponse()
        switch command.first {
        case "true": break
        case "slow": throw Fault(.timedOut, "the runtime gave up")
        case "gone": throw Fault(.notFound, "no such container")
        default:
            response.exitCode = 1
            response.stdout = Array("out ".utf8)
            response.stderr = Array("err".utf8)
        }
        return response
    }

    /// The time is for a machine that is busy with all the other tests.
    private func check(_ action: ProbeAction, _ timeout: Duration = .seconds(60)) async -> ProbeOutcome {
        await checker.check(action, containerID: "c", timeout: timeout)
    }

    private func withServer(
        certificates: (any CertificateSource)? = nil, _ body: @Sendable (Int) async throws -> Void
    ) async throws {
        var log = Logger(label: "test")
        log.logLevel = .critical
        let server = HTTPServer(handler: Server(), log: log)
        let address = try await server.listen(
            on: .tcp(host: "127.0.0.1", port: 0), certificates: certificates)
        guard case .tcp(_, let port) = address else { throw Fault(.failed, "no port") }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await server.run() }
            let result: Result<Void, any Error>
            do { result = .success(try await body(port)) } catch { result = .failure(error) }
            await server.stop(within: .zero)
            try await group.waitForAll()
            try result.get()
        }
    }

    private func get(_ path: String, _ port: Int, scheme: String = "HTTP", host: String? = nil) -> ProbeAction
    {
        var action = HTTPGetAction()
        (action.path, action.scheme) = (path, scheme)
        if let host {
            var header = API.HTTPHeader()
            (header.name, header.valueText) = ("Host", host)
            action.httpHeaders = [header]
        }
        return .http(ContainerRequest(action, host: "127.0.0.1", port: port))
    }

    @Test(arguments: [
        ("true", ProbeOutcome.success), ("false", .failure("out err")),
        ("slow", .failure("command timed out: \"slow\" timed out after 5s")),
        ("gone", .unknown("not found: no such container")),
    ])
    func `a command's exit code decides`(command: String, expected: ProbeOutcome) async {
        #expect(await check(.exec([command]), .seconds(5)) == expected)
    }

    @Test func `an answer from 200 to 399 is a success`() async throws {
        try await withServer { port in
            #expect(await check(get("/away", port)) == .warning("Probe terminated redirects, Response body: go away"))
            for path in ["/ok", "/moved"] {
                #expect(await check(get(path, port)) == .success, "\(path)")
            }
            #expect(await check(get("/other", port)) == .failure("HTTP probe failed with statuscode: 500"))
            let url = "http://127.0.0.1:\(port)/loop"
            #expect(await check(get("/loop", port)) == .failure("Get \"\(url)\": stopped after 10 redirects"))
            #expect(await check(get("/host", port, host: "named.test")) == .success)
            #expect(await check(.tcp(host: "127.0.0.1", port: port)) == .success)
        }
    }

    @Test func `a server that does not answer fails in time`() async throws {
        try await withServer { port in
            let url = "http://127.0.0.1:\(port)/silent"
            let late = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
            #expect(
                await check(get("/silent", port), .milliseconds(50)) == .failure("Get \"\(url)\": \(late)"))
        }
    }

    @Test func `any certificate will do`() async throws {
        let key = try PrivateKey.generateP256()
        let now = Timestamp.now
        let template = CertificateTemplate(
            subject: DistinguishedName(commonName: "nobody"),
            keyUsage: [.digitalSignature, .certificateSigning],
            isAuthority: true,
            notBefore: now + .seconds(-60), notAfter: now + .seconds(-30))
        let authority = try CertificateAuthority(selfSigned: template, key: key)
        let identity = try TLSIdentity(certificatePEM: authority.pem, keyPEM: key.pem)
        try await withServer(certificates: identity) { port in
            #expect(await check(get("/ok", port, scheme: "HTTPS")) == .success)
        }
    }

    @Test func `nobody there is told as Go tells it`() async throws {
        let port = try await closedPort()
        let refused = "dial tcp 127.0.0.1:\(port): connect: connection refused"
        #expect(await check(.tcp(host: "127.0.0.1", port: port)) == .failure(refused))
        let url = "http://127.0.0.1:\(port)/ok"
        #expect(await check(get("/ok", port)) == .failure("Get \"\(url)\": \(refused)"))
        let health = await check(.grpc(host: "127.0.0.1", port: port, service: ""), .seconds(5))
        #expect(health == .failure("timeout: failed to connect service \"127.0.0.1:\(port)\" within 5s"))
    }

    /// A port that was free a moment ago.
    private func closedPort() async throws -> Int {
        let server = HTTPServer(handler: Server(), log: Logger(label: "test"))
        let address = try await server.listen(on: .tcp(host: "127.0.0.1", port: 0))
        await server.stop(within: .zero)
        guard case .tcp(_, let port) = address else { throw Fault(.failed, "no port") }
        return port
    }
}
