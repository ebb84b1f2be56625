import Host
import Support
import Testing

/// A node whose containers a real Docker runs (Debian's `docker.io`), as `--docker` asks.
@Suite(.serialized) struct DockerTests {
    static let program = "/usr/sbin/dockerd"
    private static let socket = "/run/k3s/docker.sock"

    /// One that is the node's alone, and makes no network. It ends with the node.
    private static func startDocker(on node: TestNode) async throws {
        // It writes a key there.
        let settings = node.folder + "/docker-settings"
        try await node.shell(
            "mkdir -p /etc/docker \(settings); mountpoint -q /etc/docker || mount --bind \(settings) /etc/docker")
        let log = try Files.openForAppending(node.folder + "/docker.log")
        var command = try node.command(
            program,
            [
                "--host", "unix://" + socket, "--data-root", node.folder + "/docker", "--exec-root", "/run/k3s/docker",
                "--pidfile", "/run/k3s/docker.pid", "--bridge=none", "--iptables=false", "--ip6tables=false",
                "--exec-opt", "native.cgroupdriver=cgroupfs", "--registry-mirror", "http://127.0.0.1:5000",
                "--log-opt", "max-size=1m", "--log-opt", "max-file=2",
            ])
        (command.output, command.errors) = (.descriptor(log), .descriptor(log))
        command.parentDeathSignal = .kill
        let process = try await command.start()
        Task { _ = try? await process.wait() }
    }

    private static let pod = """
        apiVersion: v1
        kind: Pod
        metadata: {name: web, labels: {app: web}}
        spec:
          nodeName: node-1
          hostname: web-host
          terminationGracePeriodSeconds: 1
          volumes: [{name: shared, emptyDir: {}}]
          initContainers:
          - name: first
            image: busybox:1
            command: [sh, -c, "echo made > /shared/made"]
            volumeMounts: [{name: shared, mountPath: /shared}]
          containers:
          - name: main
            image: busybox:1
            command: [sh, -c, "echo hello; echo trouble >&2; cd /shared && busybox httpd -f -p 8080 & until [ -e /shared/end ]; do sleep 0.1; done; rm /shared/end; exit 3"]
            volumeMounts: [{name: shared, mountPath: /shared}]
            securityContext: {readOnlyRootFilesystem: true, allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
            resources: {limits: {memory: 64Mi, cpu: 500m}}
        """

    private static let arguments = ["--docker", "--container-runtime-endpoint", "unix://" + socket]

    @Test func `Docker runs a pod from its first container to its end`() async throws {
        try await TestNode.bare { node in
            try await TestRegistry.start(on: node)
            try await Self.startDocker(on: node)
            do {
                let server = try await node.start(Self.arguments)
                try await Self.walk(node, server)
            } catch {
                Attachment.record((try? Files.readText(node.folder + "/docker.log")) ?? "", named: "docker.log")
                throw error
            }
        }
    }

    // MARK: Restarts

    /// Serves what is in another image, of two layers, and repeats what it reads.
    private static let probed = """
        apiVersion: v1
        kind: Pod
        metadata: {name: probed}
        spec:
          nodeName: node-1
          terminationGracePeriodSeconds: 1
          volumes: [{name: image, image: {reference: "nginx:two"}}]
          containers:
          - name: main
            image: busybox:1
            stdin: true
            command: [sh, -c, "touch /tmp/well; busybox httpd -p 80 -h /image/www; while read line; do echo got $line; done; sleep 1000"]
            volumeMounts: [{name: image, mountPath: /image}]
            readinessProbe: {httpGet: {port: 80, path: /index.html}, periodSeconds: 1}
            livenessProbe: {exec: {command: [cat, /tmp/well]}, periodSeconds: 1, failureThreshold: 1}
        """

    private static func pod(_ name: String, image: String, _ script: String, _ more: String = "") -> String {
        """
        apiVersion: v1
        kind: Pod
        metadata: {name: \(name)}
        spec:
          nodeName: node-1
          terminationGracePeriodSeconds: 1
          \(more)
          containers:
          - {name: main, image: "\(image)", command: [sh, -c, "\(script)"], resources: {limits: {memory: 20Mi}}}
        """
    }

    @Test func `what Docker runs bears the ends of k3s and of Docker, and leaves nothing`() async throws {
        try await TestNode.bare { node in
            try await TestRegistry.start(on: node)
            try await TestRegistry.startPrivate(on: node)
            try await Self.startDocker(on: node)
            do {
                let server = try await node.start(Self.arguments)
                try await Self.show(server)
                try await Self.restart(node, server)
            } catch {
                Attachment.record((try? Files.readText(node.folder + "/docker.log")) ?? "", named: "docker.log")
                throw error
            }
        }
    }

    private static func show(_ server: TestNode.Server) async throws {
        let image = "127.0.0.1:5001/library/busybox:1"
        let user = TestRegistry.user
        try await server.must(
            "create", "secret", "docker-registry", "right", "--docker-server=127.0.0.1:5001",
            "--docker-username=\(user.name)", "--docker-password=\(user.password)")
        try await server.must("create", input: pod("stranger", image: image, "sleep 1000"))
        try await server.must("create", input: pod("friend", image: image, "sleep 1000", "imagePullSecrets: [{name: right}]"))
        try await server.must("create", input: probed)
        let greedy = pod("greedy", image: "busybox:1", "head -c 100000000 /dev/zero | tail", "restartPolicy: Never")
        try await server.must("create", input: greedy)
        try await server.must("wait", "--for=condition=Ready", "pod/friend", "pod/probed", "--timeout=50s")
        try await eventually("the kernel has ended the pod that took too much") {
            try await reason("greedy", "terminated", server) == "OOMKilled"
        }
        try await eventually("the private image is not given to everybody") {
            try await ["ErrImagePull", "ImagePullBackOff"].contains(reason("stranger", "waiting", server))
        }
        // What is said to it while somebody is attached.
        let variables = "export KUBECONFIG=/etc/rancher/k3s/k3s.yaml"
        try await server.node.shell("\(variables); { echo one; sleep 1; } | timeout 3 kubectl attach -i probed || true")
        #expect(try await server.must("logs", "probed").contains("got one\n"))
        let summary = try await server.must("get", "--raw", "/api/v1/nodes/node-1/proxy/stats/summary")
        #expect(summary.contains("\"probed\"") && summary.contains("workingSetBytes"))
        // It says that it is not well.
        _ = try await server.shell("probed", "rm /tmp/well")
        try await eventually("the container has been started again") {
            try await restarts("probed", server) == "1"
        }
    }

    private static func restart(_ node: TestNode, _ server: TestNode.Server) async throws {
        try await server.must("wait", "--for=condition=Ready", "pod/probed", "--timeout=50s")
        let ids = "jsonpath={.items[*].status.containerStatuses[*].containerID}"
        let before = try await server.must("get", "pods", "-o", ids)
        try await server.stop(.kill)
        let again = try await node.start(Self.arguments)
        #expect(try await again.must("get", "pods", "-o", ids) == before)
        #expect(try await again.shell("probed", "cat /image/www/index.html").text == "two\n")

        // Without its settings for that, the containers end with Docker.
        try await node.shell("kill -9 $(cat /run/k3s/docker.pid)")
        try await startDocker(on: node)
        for (name, count) in [("friend", "1"), ("probed", "2")] {
            try await eventually("\(name) runs again", within: .seconds(60)) { try await restarts(name, again) == count }
        }
        try await again.must("wait", "--for=condition=Ready", "pod/probed", "--timeout=50s")

        try await again.must("delete", "pods", "--all", "--timeout=50s")
        try await eventually("Docker has no containers") {
            try await node.shell("curl -sf --unix-socket \(socket) 'http://d/containers/json?all=true'") == "[]\n"
        }
        let folders = ["/var/lib/rancher/k3s/agent/cri-dockerd/sandbox", "/var/log/pods", "/var/lib/kubelet/pods"]
        for folder in folders { #expect(try Files.list(node.folder + folder).isEmpty, "\(folder)") }
        let addresses = try Files.list(node.folder + "/var/lib/cni/networks/cbr0")
        #expect(addresses.allSatisfy { !$0.hasPrefix("10.") }, "\(addresses)")
    }

    private static func reason(_ name: String, _ state: String, _ server: TestNode.Server) async throws -> String {
        let path = "jsonpath={.status.containerStatuses[0].state.\(state).reason}"
        return try await server.must("get", "pod", name, "-o", path)
    }

    private static func restarts(_ name: String, _ server: TestNode.Server) async throws -> String {
        try await server.must("get", "pod", name, "-o", "jsonpath={.status.containerStatuses[0].restartCount}")
    }

    // MARK: A life

    private static func status(_ path: String, _ server: TestNode.Server) async throws -> String {
        try await server.must("get", "pod", "web", "-o", "jsonpath={.status\(path)}")
    }

    private static func walk(_ node: TestNode, _ server: TestNode.Server) async throws {
        let version = try await server.must(
            "get", "node", "node-1", "-o", "jsonpath={.status.nodeInfo.containerRuntimeVersion}")
        #expect(version.hasPrefix("docker://"))
        try await server.must("create", input: pod)
        try await server.must("wait", "--for=condition=Ready", "pod/web", "--timeout=50s")
        #expect(try await status(".containerStatuses[0].containerID", server).hasPrefix("docker://"))
        // Both streams of the log, in Docker's form on the disk.
        let log = try await server.must("logs", "web")
        #expect(log.contains("hello\n") && log.contains("trouble\n"))
        #expect(try await server.must("logs", "web", "--tail=1").split(separator: "\n").count == 1)
        // Commands, the pod's name, its resolver, its volume, and how it is confined.
        let inside = try await server.shell("web", "hostname; cat /shared/made; grep -c 10.43.0.10 /etc/resolv.conf; touch /x")
        #expect(inside.text == "web-host\nmade\n1\n" && inside.status == .exited(1))
        #expect(try await server.shell("web", "exit 7").status == .exited(7))
        #expect(try await server.shell("web", "cat /proc/1/status").text.contains("NoNewPrivs:\t1"))
        // Its address is in the node's range, and answers.
        let address = try await status(".podIP", server)
        #expect(address.hasPrefix("10.42.0."))
        #expect(try await node.shell("curl -sf http://\(address):8080/made") == "made\n")
        // A forwarded port.
        let forwarded = try await node.shell(
            """
            export KUBECONFIG=/etc/rancher/k3s/k3s.yaml
            timeout 30 kubectl port-forward pod/web 18080:8080 >/dev/null 2>&1 &
            for try in $(seq 100); do curl -sf http://127.0.0.1:18080/made && break || sleep 0.1; done
            kill $!
            """)
        #expect(forwarded == "made\n")
        // It ends, and is started again.
        _ = try await server.shell("web", "touch /shared/end")
        try await eventually("the container has been started again") {
            try await status(".containerStatuses[0].restartCount", server) == "1"
        }
        #expect(try await status(".containerStatuses[0].lastState.terminated.exitCode", server) == "3")
        #expect(try await server.must("logs", "web", "--previous").contains("hello\n"))
        // Nothing of it stays.
        let record = node.folder + "/var/lib/cni/networks/cbr0/" + address
        #expect(Files.exists(record))
        try await server.must("delete", "pod", "web", "--timeout=50s")
        try await eventually("the sandbox is gone") {
            let names = try await node.shell("curl -sf --unix-socket \(socket) 'http://d/containers/json?all=true'")
            return !Files.exists(record) && !names.contains("_web_default_")
        }
        #expect(try Files.list(node.folder + "/var/lib/rancher/k3s/agent/cri-dockerd/sandbox").isEmpty)
    }
}
