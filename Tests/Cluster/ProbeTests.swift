import Host
import Support
import Testing

/// Probes of all kinds, on real containers.
@Suite(.serialized) struct ProbeTests {
    private static func pod(
        _ name: String, _ script: String, image: String = "busybox:1", _ probes: String, more: String = ""
    ) -> String {
        """
        apiVersion: v1
        kind: Pod
        metadata: {name: \(name)}
        spec:
          nodeName: node-1
          terminationGracePeriodSeconds: 1
          \(more)
          containers:
          - name: main
            image: \(image)
            \(script.isEmpty ? "" : "command: [sh, -c, \"\(script)\"]")
            \(probes)
        """
    }

    private static func status(_ pod: String, _ path: String, _ server: TestNode.Server) async throws -> String {
        try await server.must("get", "pod", pod, "-o", "jsonpath={.status.containerStatuses[0]\(path)}")
    }

    private static func events(_ pod: String, _ server: TestNode.Server) async throws -> String {
        try await server.must("get", "events", "--field-selector", "involvedObject.name=\(pod)")
    }

    @Test func `commands tell when a container has started, and when it must be started again`() async throws {
        try await TestNode.with { _, server in
            let often = "periodSeconds: 1, failureThreshold: 1"
            // While it starts, nobody asks whether it lives.
            let starts = """
                startupProbe: {exec: {command: [cat, /tmp/up]}, periodSeconds: 1, failureThreshold: 30}
                    livenessProbe: {exec: {command: [cat, /tmp/up]}, \(often)}
                    readinessProbe: {exec: {command: [cat, /tmp/ready]}, \(often)}
                """
            try await server.must("create", input: Self.pod("starts", "sleep 3; touch /tmp/up; exec sleep 10000", starts))
            let lives = "livenessProbe: {exec: {command: [cat, /tmp/up]}, \(often), terminationGracePeriodSeconds: 1}"
            try await server.must("create", input: Self.pod("lives", "touch /tmp/up; exec sleep 10000", lives))
            // A command that does not end is one that fails.
            let hangs = "readinessProbe: {exec: {command: [sleep, '1000']}, timeoutSeconds: 1, \(often)}"
            try await server.must("create", input: Self.pod("hangs", "exec sleep 10000", hangs))

            try await eventually("it has started") { try await Self.status("starts", ".started", server) == "true" }
            #expect(try await Self.status("starts", ".ready", server) == "false")
            _ = try await server.shell("starts", "touch /tmp/ready")
            try await server.must("wait", "--for=condition=Ready", "pod/starts", "--timeout=20s")
            #expect(try await Self.status("starts", ".restartCount", server) == "0")
            _ = try await server.shell("starts", "rm /tmp/ready")
            try await server.must("wait", "--for=condition=Ready=false", "pod/starts", "--timeout=20s")

            try await server.must("wait", "--for=condition=Ready", "pod/lives", "--timeout=20s")
            _ = try await server.shell("lives", "rm /tmp/up")
            try await eventually("it is started again") { try await Self.status("lives", ".restartCount", server) == "1" }
            let told = try await Self.events("lives", server)
            #expect(told.contains("Liveness probe failed: cat: can't open '/tmp/up'"), "\(told)")
            #expect(told.contains("Container main failed liveness probe, will be restarted"), "\(told)")
            try await eventually("a command that takes too long is told") {
                try await Self.events("hangs", server).contains("Readiness probe")
            }
            #expect(try await Self.status("hangs", ".ready", server) == "false")
        }
    }

    @Test func `requests over HTTP, TCP and gRPC tell which pods are ready`() async throws {
        try await TestNode.with { node, server in
            let file = node.folder + "/serves"
            let program = Path.join(Path.parent(of: #filePath), "Programs/health_server.py")
            var command = try node.command("/usr/bin/python3", ["-B", program, "9000", file])
            (command.output, command.errors) = (.null, .null)
            command.parentDeathSignal = .kill
            let health = try await command.start()
            Task { _ = try? await health.wait() }

            func probe(_ handler: String) -> String {
                "readinessProbe: {\(handler), periodSeconds: 1, failureThreshold: 1}"
            }
            func create(_ name: String, _ handler: String, more: String = "") async throws {
                let ports = "ports: [{name: web, containerPort: 80}]\n    "
                let own = more.isEmpty ? ports + probe(handler) : probe(handler)
                let script = more.isEmpty ? "" : "exec sleep 10000"
                let image = more.isEmpty ? "nginx:stable-alpine" : "busybox:1"
                try await server.must("create", input: Self.pod(name, script, image: image, own, more: more))
            }
            try await create("http", "httpGet: {path: /, port: web, httpHeaders: [{name: Who, value: me}]}")
            try await create("tcp", "tcpSocket: {port: 80}")
            try await create("lost", "httpGet: {path: /none, port: 80}")
            try await create("closed", "tcpSocket: {port: 81}")
            // The program of the node is at the pod's address.
            try await create("grpc", "grpc: {port: 9000, service: lamp}", more: "hostNetwork: true")
            try await create("other", "grpc: {port: 9000, service: oil}", more: "hostNetwork: true")
            // Ready when somebody else says so as well.
            let gate = "readinessGates: [{conditionType: example.com/open}]"
            try await server.must("create", input: Self.pod("gated", "exec sleep 10000", "", more: gate))

            for name in ["http", "tcp"] {
                try await server.must("wait", "--for=condition=Ready", "pod/\(name)", "--timeout=50s")
            }
            for (name, words) in [
                ("lost", "Readiness probe failed: HTTP probe failed with statuscode: 404"),
                ("closed", "connect: connection refused"),
                ("grpc", "service unhealthy (responded with \"NOT_SERVING\")"),
                ("other", "rpc error: code = NotFound desc = unknown service"),
            ] {
                var told = ""
                do {
                    try await eventually("it is told why \(name) is not ready") {
                        told = try await Self.events(name, server)
                        return told.contains(words)
                    }
                } catch { throw Unready("\(error): \(told)") }
                #expect(try await Self.status(name, ".ready", server) == "false", "\(name)")
            }
            try Files.write("", to: file)
            try await server.must("wait", "--for=condition=Ready", "pod/grpc", "--timeout=20s")
            try Files.remove(file)
            try await server.must("wait", "--for=condition=Ready=false", "pod/grpc", "--timeout=20s")

            try await server.must("wait", "--for=condition=ContainersReady", "pod/gated", "--timeout=20s")
            let ready = #"jsonpath={.status.conditions[?(@.type=="Ready")].status}{.status.conditions[?(@.type=="Ready")].reason}"#
            #expect(try await server.must("get", "pod", "gated", "-o", ready) == "FalseReadinessGatesNotReady")
            try await server.must(
                "patch", "pod", "gated", "--subresource=status", "--patch",
                #"{"status":{"conditions":[{"type":"example.com/open","status":"True"}]}}"#)
            try await server.must("wait", "--for=condition=Ready", "pod/gated", "--timeout=20s")
        }
    }
}
