import Host
import Logging
import Support
import Synchronization
import Testing
import Wire

@testable import Runtime

@Suite(.timeLimit(.minutes(1)))
struct RewriteTests {
    private static func registries(_ endpoints: [String]) -> Registries {
        var (registries, auth) = (Registries(), Registries.Auth())
        auth.username = "node"
        registries.mirrors["docker.io"] = Registries.Mirror(
            endpoints: endpoints, rewrites: ["^library/(.*)$": "hub/$1", "^(team)/(.*)$": "$2-$1"])
        registries.mirrors["quay.io"] = Registries.Mirror(endpoints: endpoints, rewrites: ["^(.*)$": "all/$1"])
        registries.mirrors["plain.example"] = Registries.Mirror(endpoints: endpoints)
        registries.configs["m.example:5000"] = Registries.HostOptions(auth: auth)
        return registries
    }

    @Test func `only what containerd cannot do itself goes another way`() throws {
        let registries = Self.registries(["https://m.example:5000", "http://m.example:5000/p", "https://n.example"])
        let plan = try RewritePlan(registries)
        #expect(plan.hosts == ["m.example:5000", "n.example"])
        let shown = plan.registries(ports: ["m.example:5000": 41, "n.example": 42], secret: "s")
        #expect(
            shown.mirrors["docker.io"]
                == Registries.Mirror(endpoints: ["http://127.0.0.1:41/s/0", "http://127.0.0.1:41/s/1", "http://127.0.0.1:42/s/2"]))
        for name in ["quay.io", "plain.example"] { #expect(shown.mirrors[name] == registries.mirrors[name]) }
        let credentials = RegistryHosts(registries: shown).credentials()
        #expect(credentials["127.0.0.1:41"]?.username == "node" && credentials["127.0.0.1:42"] == nil)
        #expect(RegistryHosts(registries: shown).files()["docker.io"]?.contains("override_path = true") == true)
    }

    @Test(arguments: [
        ("/s/0/library/a/manifests/1", 0, "/v2/hub/a/manifests/1"),
        ("/s/1/team/a/b/blobs/sha256:0", 1, "/p/a/b-team/blobs/sha256:0"),
        ("/s/1/other/a/referrers/sha256:0", 1, "/p/other/a/referrers/sha256:0"),
        ("/s/0/library/manifests/manifests/1", 0, "/v2/hub/manifests/manifests/1"),
    ]) func `the first rule that changes a repository counts`(asked: String, number: Int, path: String) throws {
        let plan = try RewritePlan(Self.registries(["https://m.example:5000", "http://m.example:5000/p"]))
        let found = try #require(plan.forward(asked, secret: "s"))
        #expect(found.number == number && found.path == path)
    }

    @Test(arguments: [
        "/", "/v2/", "/t/0/library/a/manifests/1", "/s/2/library/a/manifests/1", "/s/x/library/a/manifests/1",
        "/s/-1/library/a/manifests/1", "/s/0/library/a/tags/list", "/s/0/manifests/1", "s/0/library/a/manifests/1",
    ]) func `nothing else is asked for`(asked: String) throws {
        let plan = try RewritePlan(Self.registries(["https://m.example:5000"]))
        #expect(plan.forward(asked, secret: "s") == nil)
    }

    /// A mirror that wants to be told who asks.
    private final class Mirror: HTTPHandler {
        let asked = Mutex<[String]>([])

        func handle(_ request: HTTPRequest, _ exchange: HTTPExchange) {
            asked.withLock { $0.append("\(request.method) \(request.rawPath)?\(request.rawQuery ?? "")") }
            guard request.headers["Authorization"] == "Basic x" else {
                return exchange.respond(.unauthorized, ["WWW-Authenticate": "Basic realm=\"m\""])
            }
            switch request.rawPath {
            case "/v2/hub/a/manifests/1":
                exchange.respond(.ok, ["Docker-Content-Digest": "sha256:1", "X-Other": "y"], Array("manifest".utf8))
            case "/v2/hub/a/blobs/sha256:1": exchange.respond(HTTPStatus(307), ["Location": "/elsewhere"])
            default: exchange.respond(.notFound)
            }
        }
    }

    @Test func `a mirror is asked under the other name, and its answers are handed on`() async throws {
        let record = "/tmp/k3s-rewrites-test-\(UInt64.random(in: 0...UInt64.max))"
        defer { try? Files.remove(record) }
        let (mirror, log) = (Mirror(), Logger(label: "test"))
        let upstream = HTTPServer(handler: mirror, log: log)
        let address = try await upstream.listen(on: .tcp(host: "127.0.0.1", port: 0))
        let registries = Self.registries(["http://\(address)"])
        let rewriter = RegistryRewriter(try RewritePlan(registries), record: record, log: log)
        let shown = try await rewriter.begin()
        let endpoint = try #require(shown.mirrors["docker.io"]?.endpoints.first)
        let client = HTTPClient()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await upstream.run() }
            group.addTask { await rewriter.run() }
            func ask(_ method: HTTPMethod, _ path: String, _ headers: HTTPHeaders) async throws -> HTTPClientResponse {
                try await client.send(try HTTPClientRequest(method, url: endpoint + path, headers: headers))
            }
            let refused = try await ask(.get, "/library/a/manifests/1?ns=docker.io", [:])
            #expect(refused.status == .unauthorized && refused.headers["WWW-Authenticate"] == "Basic realm=\"m\"")
            _ = try await refused.body.collect(limit: 100)
            let head = try await ask(.head, "/library/a/manifests/1", ["Authorization": "Basic x"])
            #expect(head.status == .ok && head.headers["Content-Length"] == "8")
            let got = try await ask(.get, "/library/a/manifests/1", ["Authorization": "Basic x"])
            #expect(got.headers["Docker-Content-Digest"] == "sha256:1" && got.headers["X-Other"] == nil)
            #expect(try await got.body.collect(limit: 100) == Array("manifest".utf8))
            let led = try await ask(.get, "/library/a/blobs/sha256:1", ["Authorization": "Basic x"])
            #expect(led.status.code == 307 && led.headers["Location"] == "http://\(address)/elsewhere")
            #expect(mirror.asked.withLock(\.first) == "GET /v2/hub/a/manifests/1?ns=docker.io")
            let stranger = endpoint.replacing(/[0-9a-f]{32}/, with: "")
            let unknown = try await client.send(try HTTPClientRequest(.get, url: stranger + "/library/a/manifests/1"))
            #expect(unknown.status == .notFound)
            await upstream.stop(within: .zero)
            let absent = try await ask(.get, "/library/a/manifests/2", ["Authorization": "Basic x"])
            #expect(absent.status == .badGateway)
            group.cancelAll()
        }
        // The next start has the same port, so that containerd is told nothing new.
        let next = try await RegistryRewriter(try RewritePlan(registries), record: record, log: log).begin()
        #expect(next.configs.keys.sorted() == shown.configs.keys.sorted())
        #expect(next.mirrors["docker.io"] != shown.mirrors["docker.io"])
    }
}
