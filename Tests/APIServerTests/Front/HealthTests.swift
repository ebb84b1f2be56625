import APIMachinery
import Testing
import Wire

@testable import APIServer

@Suite struct HealthTests {
    private func ask(_ health: Health, _ target: String) throws -> String? {
        let request = try #require(
            HTTPRequest(
                method: .get, target: target, version: .http1_1, headers: [:],
                connection: HTTPConnectionInfo(
                    remoteAddress: .tcp(host: "127.0.0.1", port: 1), localAddress: .tcp(host: "127.0.0.1", port: 2))))
        return health.document(request).map { "\($0.status.code) " + String(decoding: $0.bytes, as: UTF8.self) }
    }

    @Test func `a server is ready when every step of its start is done`() throws {
        let health = Health(version: ["major": "1"], checks: ["hook/a", "hook/b"])
        let missing = "500 [+]ping ok\n[-]hook/a failed: reason withheld\n[-]hook/b failed: reason withheld\n"
        #expect(try ask(health, "/readyz") == missing + "readyz check failed\n")
        #expect(try ask(health, "/readyz/ping") == "200 ok")
        #expect(try ask(health, "/readyz/hook/a") == "500 internal server error: not finished\n")
        health.pass("hook/a")
        #expect(try ask(health, "/readyz/hook/a") == "200 ok")
        #expect(try ask(health, "/healthz?exclude=hook/b") == "200 ok")
        health.pass("hook/b")
        for endpoint in ["/livez", "/readyz", "/healthz"] { #expect(try ask(health, endpoint) == "200 ok") }
        #expect(
            try ask(health, "/livez?verbose&exclude=hook/a&exclude=x")
                == "200 [+]ping ok\n[+]hook/a excluded: ok\n[+]hook/b ok\n"
                + "warn: some health checks cannot be excluded: no matches for \"x\"\nlivez check passed\n")
    }

    @Test func `other paths are not its own`() throws {
        let health = Health(version: ["major": "1"], checks: [])
        for path in ["/", "/readyz/hook", "/version/x", "/metrics"] { #expect(try ask(health, path) == nil) }
        #expect(try ask(health, "/version") == #"200 {"major":"1"}"#)
    }
}
