import Host
import Support
import Testing

/// A device plug-in as a program of its own (`Programs/device_plugin.py`), which speaks gRPC as most plug-ins do.
@Suite(.serialized) struct DevicePluginTests {
    private static let resource = "example.com/lamp"

    private struct Plugin {
        let node: TestNode
        let process: ChildProcess

        private static func data(_ node: TestNode) -> String { node.folder + "/lamps" }

        var calls: [String] {
            ((try? Files.readText(Self.data(node) + "/calls")) ?? "").split(separator: "\n").map(String.init)
        }

        func count(_ call: String) -> Int { calls.count { $0.hasPrefix(call) } }

        func set(_ lamps: String...) throws { try Self.set(lamps, node) }

        private static func set(_ lamps: [String], _ node: TestNode) throws {
            // At once: the program reads it all the time.
            try Files.write(lamps.joined(separator: "\n") + "\n", to: data(node) + "/lamps")
        }

        /// The next containers that ask for a lamp get none, or do again.
        func refuse(_ isRefused: Bool) throws {
            let order = Self.data(node) + "/refuse"
            if isRefused { try Files.write("", to: order) } else { try Files.remove(order) }
        }

        static func start(on node: TestNode, _ lamps: String...) async throws -> Plugin {
            try Files.makeDirectory(data(node))
            try set(lamps, node)
            let program = Path.join(Path.parent(of: #filePath), "Programs/device_plugin.py")
            var command = try node.command(
                "/usr/bin/python3", ["-B", program, resource, "/var/lib/kubelet/device-plugins", data(node)])
            (command.output, command.errors) = (.null, .null)
            command.parentDeathSignal = .kill
            return Plugin(node: node, process: try await command.start())
        }
    }

    private static func pod(_ name: String, _ count: Int, node: String = "", policy: String = "Always") -> String {
        """
        apiVersion: v1
        kind: Pod
        metadata: {name: \(name)}
        spec:
          nodeName: "\(node)"
          restartPolicy: \(policy)
          terminationGracePeriodSeconds: 1
          containers:
          - name: main
            image: busybox:1
            command: [sleep, "100000"]
            resources: {limits: {\(resource): \(count)}}
        """
    }

    /// How many the node has, and how many of them can be given.
    private static func amounts(_ server: TestNode.Server) async throws -> String {
        let name = resource.replacing(".", with: "\\.")
        let path = "jsonpath={.status.capacity.\(name)} {.status.allocatable.\(name)}"
        return try await server.must("get", "node", "node-1", "-o", path)
    }

    @Test func `a plug-in's devices reach containers, which keep them when k3s is killed`() async throws {
        try await TestNode.with { node, server in
            let plugin = try await Plugin.start(on: node, "a Healthy", "b Healthy", "c Healthy")
            try await eventually("the node has lamps") { try await Self.amounts(server) == "3 3" }
            try await server.must("create", input: Self.pod("first", 2))
            try await server.must("wait", "--for=condition=Ready", "pod/first", "--timeout=50s")
            #expect(
                plugin.calls == ["Register", "GetPreferredAllocation b c", "Allocate b c", "PreStartContainer b c"])
            let look = "echo $LAMPS; ls /dev | grep lamp; [ -e /lamps/calls ] && echo there; touch /lamps/x || echo kept"
            #expect(try await server.shell("first", look).text == "b,c\nlamp-b\nlamp-c\nthere\nkept\n")
            // It may be read, and not be written to, by whomever.
            #expect(try await server.shell("first", ": </dev/lamp-b && echo read").text == "read\n")
            let written = try await server.shell("first", ": >/dev/lamp-b")
            #expect(written.errorText.contains("Operation not permitted"), "\(written.errorText)")

            try await server.must("create", input: Self.pod("second", 2))
            try await eventually("the scheduler says why it waits") {
                try await server.must("get", "events", "--field-selector", "involvedObject.name=second")
                    .contains("Insufficient \(Self.resource)")
            }
            // One that is not asked for leave is refused.
            try await server.must("create", input: Self.pod("bold", 2, node: "node-1", policy: "Never"))
            let refusal = "jsonpath={.status.phase} {.status.reason} {.status.message}"
            try await eventually("the node refuses it") {
                let text = try await server.must("get", "pod", "bold", "-o", refusal)
                return text.hasPrefix("Failed OutOf\(Self.resource) ") || text.hasPrefix("Failed UnexpectedAdmissionError ")
            }

            let container = "jsonpath={.status.containerStatuses[0].containerID}"
            let before = try await server.must("get", "pod", "first", "-o", container)
            try await server.stop(.kill)
            let again = try await node.start()
            try await eventually("it registers again") { plugin.count("Register") == 2 }
            try await eventually("the node has its lamps again") { try await Self.amounts(again) == "3 3" }
            #expect(try await again.must("get", "pod", "first", "-o", container) == before)
            #expect(try await again.shell("first", "echo $LAMPS").text == "b,c\n")
            #expect(try await again.must("get", "pod", "second", "-o", "jsonpath={.spec.nodeName}").isEmpty)
            #expect(plugin.count("Allocate") == 1)

            try await again.must("delete", "pod", "first")
            try await again.must("wait", "--for=condition=Ready", "pod/second", "--timeout=50s")
            #expect(try await again.shell("second", "echo $LAMPS").text == "b,c\n")
        }
    }

    @Test func `devices that fail, that are refused, or whose plug-in has left, are not given`() async throws {
        try await TestNode.with { node, server in
            let plugin = try await Plugin.start(on: node, "a Healthy", "b Healthy")
            try await eventually("the node has lamps") { try await Self.amounts(server) == "2 2" }
            try plugin.set("a Healthy", "b Unhealthy")
            try await eventually("one of them is out") { try await Self.amounts(server) == "2 1" }
            try plugin.refuse(true)
            try await server.must("create", input: Self.pod("dark", 1, policy: "Never"))
            let status = "jsonpath={.status.phase} {.status.reason} {.status.message}"
            try await eventually("the pod fails, with the plug-in's words") {
                let text = try await server.must("get", "pod", "dark", "-o", status)
                return text.hasPrefix("Failed UnexpectedAdmissionError ")
                    && text.contains("rpc error: code = ResourceExhausted desc = the lamps are out")
            }
            try plugin.refuse(false)
            try await server.must("create", input: Self.pod("light", 1))
            try await server.must("wait", "--for=condition=Ready", "pod/light", "--timeout=50s")
            #expect(try await server.shell("light", "echo $LAMPS").text == "a\n")
            // What the pod has it keeps.
            try await node.shell("kill -9 $(pgrep -f '[d]evice_plugin.py')")
            _ = try await plugin.process.wait()
            try await eventually("none can be given") { try await Self.amounts(server) == "2 0" }
            #expect(try await server.shell("light", "echo $LAMPS").text == "a\n")
        }
    }
}
