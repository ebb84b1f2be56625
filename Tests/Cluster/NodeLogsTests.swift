import Host
import Testing

/// What a node shows of its logs, and what else it does for those who may ask it directly.
@Suite(.serialized) struct NodeLogsTests {
    private static let pod = """
        apiVersion: v1
        kind: Pod
        metadata: {name: speaks}
        spec:
          terminationGracePeriodSeconds: 1
          containers:
          - name: main
            image: busybox:1
            command: [sh, -c, "echo hello; exec sleep 100000"]
        """
    /// Kubernetes has no argument for this.
    private static let settings = """
        apiVersion: kubelet.config.k8s.io/v1beta1
        kind: KubeletConfiguration
        enableSystemLogQuery: true

        """
    private static let node = "/api/v1/nodes/node-1/proxy/"

    @Test func `a node shows its logs, answers about services and runs what it is told`() async throws {
        try await TestNode.bare { node in
            try await TestRegistry.start(on: node)
            let folder = node.folder + "/var/lib/rancher/k3s/agent/etc/kubelet.conf.d"
            try Files.makeDirectory(folder)
            try Files.write(Self.settings, to: folder + "/50-logs.conf")
            let server = try await node.start()
            try await server.must("create", input: Self.pod)
            try await server.must("wait", "--for=condition=Ready", "pod/speaks", "--timeout=50s")
            func ask(_ path: String) async throws -> String { try await server.must("get", "--raw", Self.node + path) }

            #expect(try await ask("logs/").contains("pods/</a>"))
            let uid = try await server.must("get", "pod", "speaks", "-o", "jsonpath={.metadata.uid}")
            let logs = "logs/pods/default_speaks_\(uid)/main/"
            #expect(try await ask(logs).contains("0.log</a>"))
            #expect(try await ask(logs + "0.log").hasSuffix(" stdout F hello\n"))
            // The rest of /var/log is the machine's.
            try await node.shell("ln -s /etc/shadow /var/log/pods/link; echo served > /var/log/pods/own.log")
            let away = try await server.kubectl("get", "--raw", Self.node + "logs/pods/link")
            #expect(!away.status.isSuccess && !away.text.contains("root"), "\(away.text)")
            #expect(try await ask("logs/?query=/pods/own.log") == "served\n")
            #expect(try await ask("logs/?query=nobodys-service") == "\nlog not found for nobodys-service\n")
            let wrong = try await server.kubectl("get", "--raw", Self.node + "logs/?query=nobodys-service&boot=1")
            #expect(wrong.errorText.contains("boot: Invalid value: 1: must be less than 1"), "\(wrong.errorText)")

            #expect(try await ask("runningpods/").contains(#""name":"speaks""#))
            let run = try await server.kubectl(
                "create", "--raw", Self.node + "run/default/speaks/main?cmd=echo%20here", input: "{}")
            #expect(run.text == "here\n", "\(run.errorText)")
            try await expectNoCheckpoint(server)
        }
    }

    /// containerd writes none before its version 2.
    private func expectNoCheckpoint(_ server: TestNode.Server) async throws {
        let path = Self.node + "checkpoint/default/speaks/main"
        let outcome = try await server.kubectl("create", "--raw", path, input: "{}")
        #expect(!outcome.status.isSuccess)
        let reason = "checkpointing of default/speaks/main failed (rpc error: code = Unimplemented"
        #expect(outcome.errorText.contains(reason), "\(outcome.errorText)")
    }
}
