import Host
import Support
import Testing

/// The unmodified kubectl against a real server process.
@Suite(.serialized) struct ControlPlaneTests {
    private static let web = """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web}
        spec:
          replicas: 3
          selector: {matchLabels: {app: web}}
          template:
            metadata: {labels: {app: web}}
            spec:
              containers:
              - {name: c, image: nginx, ports: [{containerPort: 80}]}
        """

    @Test func `kubectl applies, changes, explains and deletes`() async throws {
        try await TestServer.with { server in
            let created = try await server.kubectl("apply", input: Self.web)
            #expect(created.text == "deployment.apps/web created\n", "\(created.errorText)")
            #expect(try await server.kubectl("apply", input: Self.web).text == "deployment.apps/web unchanged\n")
            let four = Self.web.replacing("replicas: 3", with: "replicas: 4")
            #expect(try await server.kubectl("apply", input: four).text == "deployment.apps/web configured\n")
            _ = try await server.kubectl("set", "image", "deploy/web", "c=nginx:2")
            _ = try await server.kubectl("scale", "deploy/web", "--replicas=2")
            let table = try await server.kubectl("get", "deploy", "-o", "wide", "--no-headers").text
            #expect(table.split(separator: " ").prefix(2) == ["web", "0/2"])
            #expect(table.contains("nginx:2"))
            let explained = try await server.kubectl("explain", "deployment.spec.strategy").text
            #expect(explained.contains("FIELD: strategy <DeploymentStrategy>"))
            let old = try await server.kubectl("explain", "deployment.spec.replicas", "--output", "plaintext-openapiv2")
            #expect(old.text.contains("FIELD:    replicas <integer>"), "\(old.errorText)")
            let metrics = try await server.kubectl("get", "--raw", "/metrics").text
            #expect(metrics.contains("apiserver_storage_objects{resource=\"deployments.apps\"} 1"))
            let creation = "resource=\"deployments\",scope=\"resource\",subresource=\"\",verb=\"POST\",version=\"v1\"} 1"
            #expect(metrics.contains(creation))
            let resources = try await server.kubectl("api-resources", "--no-headers").text.split(separator: "\n")
            #expect(resources.count >= 60)
            #expect(try await server.kubectl("delete", "deploy", "web", "--cascade=foreground").status.isSuccess)
            let left = try await server.kubectl("get", "deploy,rs,pod", "-l", "app=web")
            #expect(left.errorText.contains("No resources found"), "\(left.text)")
        }
    }

    @Test func `kubectl creates in its binary form, and what is created can be used`() async throws {
        try await TestServer.with { server in
            for (words, answer) in [
                (["create", "namespace", "a"], "namespace/a created\n"),
                (["create", "configmap", "c", "--from-literal=x=1"], "configmap/c created\n"),
                (["create", "deployment", "d", "--image=nginx"], "deployment.apps/d created\n"),
                (["expose", "deployment", "d", "--port=80"], "service/d exposed\n"),
                (["create", "serviceaccount", "s", "-n", "a"], "serviceaccount/s created\n"),
            ] {
                let outcome = try await server.kubectl(words)
                #expect(outcome.text == answer, "\(outcome.errorText)")
            }
            #expect(try await server.kubectl("get", "cm", "c", "-o", "jsonpath={.data.x}").text == "1")
            let token = try await server.kubectl("create", "token", "s", "-n", "a").text.filter { !$0.isNewline }
            let identity = try await server.kubectl("auth", "whoami", "--token", token, "--client-certificate=", "--client-key=")
            #expect(identity.text.contains("system:serviceaccount:a:s") || identity.text.contains("system:admin"))
            // kubectl waits until the namespace is empty and gone.
            #expect(try await server.kubectl("delete", "namespace", "a", "--timeout=30s").status.isSuccess)
            #expect(try await server.kubectl("get", "ns", "a").errorText.contains("not found"))
            #expect(try await server.kubectl("get", "sa", "s", "-n", "a").errorText.contains("not found"))
        }
    }

    @Test func `what was acknowledged is there after kill -9, and a stop is quick`() async throws {
        let folder = try TestServer.makeFolder()
        let first = try await TestServer.start(in: folder)
        let applied = try await first.kubectl("apply", input: Self.web)
        #expect(applied.status.isSuccess, "\(applied.errorText)")
        _ = try await first.stop(.kill)
        let second = try await TestServer.start(in: folder)
        #expect(try await second.kubectl("get", "deploy", "-o", "name").text == "deployment.apps/web\n")
        let begun = ContinuousClock.now
        #expect(try await second.stop(.terminate) == .exited(0))
        #expect(ContinuousClock.now - begun < .seconds(5))
        try Files.remove(folder)
    }

    struct Mistake: Sendable, CustomTestStringConvertible {
        var what: String
        var manifest: String
        var answer: String
        var testDescription: String { what }
    }

    static let mistakes = [
        Mistake(what: "unknown field", manifest: web.replacing("replicas", with: "replicaz"), answer: "unknown field \"spec.replicaz\""),
        Mistake(what: "wrong type", manifest: web.replacing("replicas: 3", with: "replicas: three"), answer: "cannot unmarshal string"),
        Mistake(what: "missing selector", manifest: web.replacing("  selector: {matchLabels: {app: web}}\n", with: ""), answer: "spec.selector: Required value"),
        Mistake(what: "bad name", manifest: web.replacing("{name: web}", with: "{name: Web_1}"), answer: "a lowercase RFC 1123 subdomain"),
        Mistake(what: "foreign labels", manifest: web.replacing("labels: {app: web}", with: "labels: {app: other}"), answer: "`selector` does not match template `labels`"),
        Mistake(what: "unknown kind", manifest: "apiVersion: v1\nkind: Nothing\nmetadata: {name: a}", answer: "no matches for kind \"Nothing\" in version \"v1\""),
        Mistake(what: "unknown group", manifest: "apiVersion: no.io/v1\nkind: Nothing\nmetadata: {name: a}", answer: "no matches for kind \"Nothing\" in version \"no.io/v1\""),
        Mistake(what: "no YAML", manifest: "a: [", answer: "error parsing"),
    ]

    @Test func `wrong input is answered as Kubernetes answers it`() async throws {
        try await TestServer.with { server in
            for mistake in Self.mistakes {
                let answer = try await server.kubectl("create", input: mistake.manifest)
                #expect(!answer.status.isSuccess, "\(mistake.what)")
                #expect(answer.errorText.contains(mistake.answer), "\(mistake.what): \(answer.errorText)")
            }
            let large = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: large}\ndata: {x: \"\(String(repeating: "x", count: 4 << 20))\"}"
            #expect(try await server.kubectl("create", input: large).errorText.contains("Request entity too large"))
            let file = server.folder + "/stranger"
            try Files.write(
                Array("""
                    {apiVersion: v1, kind: Config, current-context: c, contexts: [{name: c, context: {cluster: c, user: u}}],
                     clusters: [{name: c, cluster: {server: "https://127.0.0.1:\(server.port)", insecure-skip-tls-verify: true}}],
                     users: [{name: u, user: {token: abc}}]}
                    """.utf8), to: file)
            let stranger = try await Command("/usr/bin/kubectl", ["--kubeconfig", file, "get", "pods"]).run()
            #expect(stranger.errorText.contains("Unauthorized") || stranger.errorText.contains("must be logged in"))
        }
    }
}
