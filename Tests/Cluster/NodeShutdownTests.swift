import Host
import Support
import Testing

/// A machine that goes down, as its login manager tells (`Programs/login_manager.py`), and does not after all.
@Suite(.serialized) struct NodeShutdownTests {
    /// Writes down when it is asked to end, and takes a moment for it.
    private static func pod(_ name: String, _ node: TestNode, _ more: String = "") -> String {
        """
        apiVersion: v1
        kind: Pod
        metadata: {name: \(name)}
        spec:
          nodeName: node-1
          terminationGracePeriodSeconds: 30
          \(more)
          volumes: [{name: shared, hostPath: {path: "\(node.folder)/shared", type: DirectoryOrCreate}}]
          containers:
          - name: main
            image: busybox:1
            command: [sh, -c, "trap 'echo asked \(name) >> /shared/log; sleep 1; echo end \(name) >> /shared/log; exit 0' TERM; while :; do sleep 0.1; done"]
            volumeMounts: [{name: shared, mountPath: /shared}]
        """
    }

    private static let settings = """
        kind: KubeletConfiguration
        apiVersion: kubelet.config.k8s.io/v1beta1
        shutdownGracePeriod: 20s
        shutdownGracePeriodCriticalPods: 10s

        """

    private static func status(_ pod: String, _ server: TestNode.Server) async throws -> String {
        let path = "jsonpath={.status.phase} {.status.reason} {.status.message}"
        return try await server.must("get", "pod", pod, "-o", path)
    }

    private static func ready(_ server: TestNode.Server) async throws -> String {
        let path = #"jsonpath={.status.conditions[?(@.type=="Ready")].status} {.status.conditions[?(@.type=="Ready")].message}"#
        return try await server.must("get", "node", "node-1", "-o", path)
    }

    /// The node has a bus of its own in the place of the machine's.
    private static func startLogin(_ node: TestNode, _ folder: String) async throws {
        try await node.shell("mkdir -p /run/dbus; mount -t tmpfs none /run/dbus")
        let program = Path.join(Path.parent(of: #filePath), "Programs/login_manager.py")
        var command = try node.command("/usr/bin/python3", ["-B", program, "/run/dbus/system_bus_socket", folder])
        (command.output, command.errors) = (.null, .null)
        command.parentDeathSignal = .kill
        let process = try await command.start()
        Task { _ = try? await process.wait() }
        try await eventually("the bus is there") {
            try await node.shell("test -e /run/dbus/system_bus_socket; echo there") == "there\n"
        }
    }

    @Test func `a machine that goes down waits for its pods, the critical ones last, and takes no others`() async throws {
        try await TestNode.bare { node in
            try await TestRegistry.start(on: node)
            let folder = node.folder + "/login"
            try await Self.startLogin(node, folder)
            let file = node.folder + "/kubelet.yaml"
            try Files.write(Self.settings, to: file)
            let server = try await node.start(["--kubelet-arg", "config=" + file])
            try await eventually("the node asks to be waited for") { Files.exists(folder + "/held") }
            try await server.must("create", input: Self.pod("web", node))
            try await server.must("create", input: Self.pod("core", node, "priorityClassName: system-node-critical"))
            try await server.must("wait", "--for=condition=Ready", "pod/web", "pod/core", "--timeout=50s")

            try Files.write("", to: folder + "/down")
            try await eventually("the node says so") { try await Self.ready(server) == "False node is shutting down" }
            try await eventually("nobody is waited for any more") { !Files.exists(folder + "/held") }
            let log = try Files.readText(node.folder + "/shared/log")
            #expect(log == "asked web\nend web\nasked core\nend core\n")
            for name in ["web", "core"] {
                let words = "Failed Terminated Pod was terminated in response to imminent node shutdown."
                try await eventually("the status of \(name) says so") { try await Self.status(name, server) == words }
            }
            try await server.must("create", input: Self.pod("late", node))
            try await eventually("no other pod is taken") {
                try await Self.status("late", server).hasPrefix("Failed NodeShutdown ")
            }

            try Files.remove(folder + "/down")
            try await eventually("the node is there again") { try await Self.ready(server).hasPrefix("True ") }
            try await eventually("it asks to be waited for again") { Files.exists(folder + "/held") }
            try await server.must("create", input: Self.pod("next", node))
            try await server.must("wait", "--for=condition=Ready", "pod/next", "--timeout=50s")
            try await server.must("delete", "pods", "--all")
        }
    }
}
