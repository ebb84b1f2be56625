import Host
import Support
import Testing

/// `k3s server --rootless`, begun by a user who is not root.
@Suite(.serialized) struct RootlessTests {
    /// What runs pods where no control groups were left to the user, as in a test.
    private static let withoutLimits = [
        "--kubelet-arg", "cgroups-per-qos=false", "--kubelet-arg", "enforce-node-allocatable=none",
    ]

    private static let pods = """
        apiVersion: v1
        kind: Pod
        metadata: {name: web, labels: {app: web}}
        spec:
          containers:
          - {name: main, image: "nginx:two"}
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: web}
        spec:
          type: NodePort
          selector: {app: web}
          ports: [{port: 80, nodePort: 30080}]
        ---
        apiVersion: v1
        kind: Pod
        metadata: {name: asks}
        spec:
          securityContext: {runAsUser: 4711}
          containers:
          - name: main
            image: busybox:1
            command: [sleep, "100000"]
            resources: {limits: {memory: 64Mi, cpu: 100m}}

        """

    /// Starts k3s, runs the test, and ends it.
    private func withServer(
        _ user: UserWorld, _ arguments: [String] = withoutLimits, _ body: (ChildProcess) async throws -> Void
    ) async throws {
        var command = try user.k3s(arguments + ["--log", user.home + "/log"])
        (command.output, command.errors) = (.null, .descriptor(try user.openErrors()))
        let process = try await command.start()
        do {
            try await eventually("the node is Ready", within: .seconds(60)) {
                try await user.kubectl("get", "node", "node-1").contains(" Ready ")
            }
            try await body(process)
        } catch {
            Attachment.record(user.log + user.errors, named: "k3s.log")
            try? process.send(.kill)
            throw error
        }
    }

    /// `nsenter` waits for what it started in the namespaces, and has its exit code.
    private func stop(_ process: ChildProcess, _ node: TestNode) async throws {
        try await node.shell("kill -TERM $(pgrep -o -x k3s)")
        #expect(try await process.wait().isSuccess)
    }

    /// The registry of the test is on the host's loopback.
    private func prepare(_ node: TestNode) async throws -> UserWorld {
        try await TestRegistry.start(on: node)
        let user = try await UserWorld(on: node)
        let folder = user.home + "/.rancher/k3s/etc/rancher/k3s"
        let mirrors = """
            mirrors:
              docker.io:
                endpoint: ["http://10.41.0.2:5000"]

            """
        try Files.write(mirrors, to: node.folder + "/registries.yaml")
        try await node.shell(
            """
            mkdir -p \(folder)
            cp \(node.folder)/registries.yaml \(folder)/
            chown -R \(UserWorld.id):\(UserWorld.id) \(user.home)
            """)
        return user
    }

    @Test func `a user runs pods, and reaches them from his host`() async throws {
        try await TestNode.bare { node in
            let user = try await prepare(node)
            // So that the registry is found at the gateway.
            var command = try user.k3s(Self.withoutLimits + ["--log", user.home + "/log"])
            command.environment["K3S_ROOTLESS_DISABLE_HOST_LOOPBACK"] = "false"
            (command.output, command.errors) = (.null, .descriptor(try user.openErrors()))
            let process = try await command.start()
            defer { Attachment.record(user.log + user.errors, named: "k3s.log") }
            try await eventually("the node is Ready", within: .seconds(60)) {
                try await user.kubectl("get", "node", "node-1").contains(" Ready ")
            }
            try Files.write(Self.pods, to: node.folder + "/pods.yaml")
            _ = try await user.kubectl("create", "-f", node.folder + "/pods.yaml")
            _ = try await user.kubectl(
                "wait", "--for=condition=Ready", "--timeout=50s", "pod/web", "pod/asks")
            try await expectWorld(user)
            try await expectProcesses(user)
            try await stop(process, node)
            try await eventually("nothing of it runs any more") {
                try await node.shell("pgrep -c 'k3s|containerd|slirp4netns|nginx' || true") == "0\n"
            }
        }
    }

    /// Names, services and users within, and ports of the host.
    private func expectWorld(_ user: UserWorld) async throws {
        let (node, nodeAddress) = (user.node, "jsonpath={.items[0].status.addresses[0].address}")
        #expect(try await user.kubectl("get", "nodes", "-o", nodeAddress) == "10.41.0.100")
        #expect(try await user.kubectl("exec", "asks", "--", "id", "-u") == "4711\n")
        #expect(try await user.kubectl("exec", "asks", "--", "wget", "-qO-", "http://web") == "two\n")
        #expect(try await user.kubectl("logs", "web").isEmpty)
        try await eventually("the node port is the host's, too") {
            try await node.shell("curl -s --max-time 5 http://\(TestNode.address):30080") == "two\n"
        }
        _ = try await user.kubectl("delete", "service", "web")
        try await eventually("the port of a service that is gone is nobody's") {
            try await node.shell("ss -Hlnt 'sport = :30080'").isEmpty
        }
    }

    /// Who is who outside, what is left of those that end, and whose files all of it is.
    private func expectProcesses(_ user: UserWorld) async throws {
        let node = user.node
        #expect(try await node.shell("stat -c %u /proc/$(pgrep -o -x k3s)") == "\(UserWorld.id)\n")
        // Root within is the user; id 4711 is the one of that place of those that he was given.
        #expect(
            try await node.shell("ps -e -o uid=,args= | grep -c '^ *\(UserWorld.id) nginx: master'") == "1\n")
        #expect(try await node.shell("ps -e -o uid=,args= | grep -c '^ *204710 sleep 100000'") == "1\n")
        // Shims lose their parents when they begin; the first process takes those away that end.
        #expect(try await node.shell("pgrep -c containerd-shim") == "2\n")
        _ = try await user.kubectl("delete", "pod", "asks", "--grace-period=1")
        try await eventually("the shim of a pod that is gone is not even a zombie") {
            try await node.shell("pgrep -c containerd-shim") == "1\n"
        }
        let foreign = "find \(user.home) -uid 0 -o -type f -name k3s.yaml -not -perm 600"
        #expect(try await node.shell(foreign).isEmpty)
        #expect(
            try await node.shell(
                "find /var/lib/rancher /var/lib/kubelet /run/k3s /etc/rancher -newer \(user.home)/.kube"
            ).isEmpty)
    }

    @Test func `pods come back with k3s, also when that was killed`() async throws {
        try await TestNode.bare { node in
            let user = try await UserWorld(on: node)
            try await withServer(user) { _ in
                _ = try await user.kubectl(
                    "run", "stays", "--image=rancher/mirrored-pause:3.10.2", "--image-pull-policy=Never")
                _ = try await user.kubectl("wait", "--for=condition=Ready", "--timeout=50s", "pod/stays")
                try await node.shell("kill -KILL $(pgrep -o -x k3s)")
                try await eventually("all of it ends with the process outside") {
                    try await node.shell("pgrep -c 'k3s|containerd|slirp4netns|pause' || true") == "0\n"
                }
            }
            try await withServer(user) { process in
                try await eventually("the pod runs again", within: .seconds(60)) {
                    let path =
                        "jsonpath={.status.containerStatuses[0].restartCount} {.status.conditions[?(@.type=='Ready')].status}"
                    return try await user.kubectl("get", "pod", "stays", "-o", path) == "1 True"
                }
                try await stop(process, node)
            }
        }
    }

    struct Mistake: Sendable, CustomTestStringConvertible {
        var what: String
        var arguments: [String] = withoutLimits
        var environment: [String: String] = [:]
        /// Shell that sets the scene, as root.
        var setting = "true"
        var asRoot = false
        /// Parts of the sentence.
        var says: [String]
        var testDescription: String { what }
    }

    static let mistakes = [
        Mistake(
            what: "no delegated control groups", arguments: [],
            says: ["delegated cgroup v2 controllers are required for rootless", "Delegate=yes"]),
        Mistake(what: "root", asRoot: true, says: ["--rootless is for users who are not root"]),
        Mistake(
            what: "no ids of users", setting: "umount /etc/subuid",
            says: ["/etc/subuid gives tester no ids", "usermod --add-subuids"]),
        Mistake(
            what: "no ids of groups", setting: "umount /etc/subgid", says: ["/etc/subgid gives tester no ids"]
        ),
        Mistake(
            what: "no program", environment: ["PATH": "/nowhere"],
            says: ["there is no program newuidmap", "apt-get install uidmap"]),
        Mistake(
            what: "a network that is none", environment: ["K3S_ROOTLESS_CIDR": "10.41.0.1/16"],
            says: ["host identifier bits must not be set in CIDR prefix"]),
        Mistake(
            what: "no way to the network", setting: "chmod 600 /dev/net/tun",
            says: ["slirp4netns did not come so far", "/dev/net/tun"]),
        Mistake(
            what: "a port of the host that is taken",
            setting: "nohup busybox nc -ll -p 6443 >/dev/null 2>&1 &",
            says: ["0.0.0.0:6443 is already in use on the host"]),
        Mistake(what: "a home that is none", environment: ["HOME": "here"], says: ["this user has no home"]),
    ]

    @Test(arguments: mistakes) func `a start that cannot be ends at once with one sentence`(
        _ mistake: Mistake
    ) async throws {
        try await TestNode.bare { node in
            let user = try await UserWorld(on: node)
            try await node.shell(mistake.setting)
            var command = try user.k3s(mistake.arguments)
            if mistake.asRoot {
                command = try node.command(
                    "/usr/bin/timeout", ["20", TestServer.binary, "server", "--rootless"])
            }
            command.environment.merge(mistake.environment) { $1 }
            let output = try await command.run()
            #expect(output.status == .exited(1))
            let sentences = output.errorText.split(separator: "\n").filter { $0.hasPrefix("k3s: ") }
            #expect(sentences.count == 1, "\(output.errorText)")
            for part in mistake.says {
                #expect(sentences.first?.contains(part) == true, "\(output.errorText)")
            }
            try await eventually("nothing of it runs any more") {
                try await node.shell("pgrep -c 'k3s|containerd|slirp4netns' || true") == "0\n"
            }
        }
    }

    @Test func `a server without a node needs no namespaces`() async throws {
        try await TestNode.bare { node in
            let user = try await UserWorld(on: node)
            var command = try user.k3s(["--disable-agent", "--log", user.home + "/log"])
            (command.output, command.errors) = (.null, .descriptor(try user.openErrors()))
            let process = try await command.start()
            defer { Attachment.record(user.log + user.errors, named: "k3s.log") }
            try await eventually("it answers") { try await user.kubectl("get", "--raw", "/readyz") == "ok" }
            #expect(try await node.shell("pgrep -c 'k3s|slirp4netns'") == "1\n")
            try await stop(process, node)
        }
    }
}
