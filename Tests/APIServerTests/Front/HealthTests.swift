import APIMachinery
import Synchronization
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
        let health = Health(version: ["major": "1"], steps: ["hook/a", "hook/b"])
        let missing = "500 [+]ping ok\n[-]hook/a failed: reason withheld\n[-]hook/b failed: reason withheld\n"
        #expect(try ask(health, "/livez") == missing + "livez check failed\n")
        #expect(try ask(health, "/readyz") == missing + "[+]shutdown ok\nreadyz check failed\n")
        #expect(try ask(health, "/readyz/ping") == "200 ok")
        #expect(try ask(health, "/readyz/hook/a") == "500 internal server error: not finished\n")
        health.pass("hook/a")
        #expect(try ask(health, "/readyz/hook/a") == "200 ok")
        #expect(try ask(health, "/healthz?exclude=hook/b") == "200 ok")
        health.pass("hook/b")
        for endpoint in ["/livez", "/readyz", "/healthz"] { #expect(try ask(health, endpoint) == "200 ok") }
        #expect(
            try ask(health, "/livez?verbose&exclude=hook/a&exclude=x&exclude=y")
                == "200 [+]ping ok\n[+]hook/a excluded: ok\n[+]hook/b ok\n"
                + "warn: some health checks cannot be excluded: no matches for \"x\",\"y\"\nlivez check passed\n")
    }

    @Test func `a server that stops lives and is not ready`() throws {
        let health = Health(version: ["major": "1"], loaded: ["etcd", "informer-sync"], steps: [])
        #expect(try ask(health, "/readyz?verbose")?.contains("[+]etcd ok\n[+]informer-sync ok\n[+]shutdown ok\n") == true)
        health.fail(Health.shutdown)
        #expect(
            try ask(health, "/readyz") == "500 [+]ping ok\n[+]etcd ok\n[+]informer-sync ok\n"
                + "[-]shutdown failed: reason withheld\nreadyz check failed\n")
        #expect(try ask(health, "/readyz/shutdown") == "500 internal server error: process is shutting down\n")
        #expect(try ask(health, "/livez?verbose") == "200 [+]ping ok\n[+]etcd ok\nlivez check passed\n")
        #expect(try ask(health, "/livez/shutdown") == nil)
    }

    @Test func `a young server lives though it has not begun, for as long as it was told`() throws {
        let isYoung = Atomic(true)
        let health = Health(version: [:], steps: ["hook/a"]) { isYoung.load(ordering: .relaxed) }
        #expect(try ask(health, "/livez?verbose") == "200 [+]ping ok\n[+]hook/a ok\nlivez check passed\n")
        #expect(try ask(health, "/livez/hook/a") == "200 ok")
        #expect(try ask(health, "/readyz")?.hasPrefix("500 ") == true)
        #expect(try ask(health, "/healthz")?.hasPrefix("500 ") == true)
        isYoung.store(false, ordering: .relaxed)
        #expect(try ask(health, "/livez")?.hasPrefix("500 ") == true)
        #expect(try ask(health, "/livez/hook/a") == "500 internal server error: not finished\n")
    }

    @Test func `how checks ended is counted`() throws {
        let health = Health(version: [:], steps: ["a"])
        _ = try ask(health, "/readyz")
        _ = try ask(health, "/readyz?exclude=ping")
        health.pass("a")
        _ = try ask(health, "/readyz")
        let text = try #require(try ask(health, "/metrics/slis"))
        for line in [
            #"kubernetes_healthcheck{name="a",type="readyz"} 1"#, #"kubernetes_healthcheck{name="ping",type="livez"} 1"#,
            #"kubernetes_healthchecks_total{name="a",status="success",type="readyz"} 1"#,
            #"kubernetes_healthchecks_total{name="a",status="error",type="readyz"} 2"#,
            #"kubernetes_healthchecks_total{name="ping",status="success",type="readyz"} 2"#,
        ] {
            #expect(text.contains(line + "\n"), "\(line)")
        }
        #expect(!text.contains(#"name="shutdown",type="livez""#))
    }

    /// The names that the end-to-end tests of Kubernetes look for.
    @Test func `the checks have Kubernetes' names`() async throws {
        try await TestAPI.run { api in
            let token = try await api.token("a", rules: [["nonResourceURLs": ["*"], "verbs": ["get"]]])
            let required = [
                "ping", "log", "etcd", "poststarthook/start-apiserver-admission-initializer",
                "poststarthook/generic-apiserver-start-informers", "poststarthook/start-apiextensions-informers",
                "poststarthook/start-apiextensions-controllers", "poststarthook/crd-informer-synced",
                "poststarthook/bootstrap-controller", "poststarthook/start-system-namespaces-controller",
                "poststarthook/scheduling/bootstrap-system-priority-classes", "poststarthook/rbac/bootstrap-roles",
                "poststarthook/start-cluster-authentication-info-controller",
                "poststarthook/start-kube-aggregator-informers", "poststarthook/apiservice-registration-controller",
                "poststarthook/apiservice-status-local-available-controller",
                "poststarthook/apiservice-status-remote-available-controller",
                "poststarthook/kube-apiserver-autoregistration", "autoregister-completion",
                "poststarthook/apiservice-openapi-controller",
            ]
            for (endpoint, more) in [
                ("healthz", []), ("livez", []), ("readyz", ["etcd-readiness", "informer-sync", "shutdown"]),
            ] {
                let answer = try await api.ask(.get, "/\(endpoint)?verbose=1", token: token)
                #expect(answer.code == 200)
                let lines = Set(answer.text.split(separator: "\n").map(String.init))
                for name in required + more { #expect(lines.contains("[+]\(name) ok"), "\(endpoint) \(name)") }
            }
            api.server.willStop()
            #expect(try await api.ask(.get, "/readyz", token: token).code == 500)
            #expect(try await api.ask(.get, "/livez", token: token).code == 200)
        }
    }

    @Test func `other paths are not its own`() throws {
        let health = Health(version: ["major": "1"], steps: [])
        for path in ["/", "/readyz/hook", "/version/x", "/metrics"] { #expect(try ask(health, path) == nil) }
        #expect(try ask(health, "/version") == #"200 {"major":"1"}"#)
    }
}
