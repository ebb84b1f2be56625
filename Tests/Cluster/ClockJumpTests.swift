import Host
import Support
import Testing

/// A machine without a clock of its own, which boots in 1970 and learns the time when k3s runs already; and one whose clock
/// is put back.
///
/// The clock is wrong for k3s alone (`Programs/clock.c`): containerd and kubectl have the machine's.
@Suite(.serialized) struct ClockJumpTests {
    private static func pod(_ name: String) -> String {
        """
        apiVersion: v1
        kind: Pod
        metadata: {name: \(name)}
        spec:
          terminationGracePeriodSeconds: 1
          containers:
          - {name: main, image: "busybox:1", command: [sh, -c, "echo hello; exec sleep 100000"]}
        """
    }

    private struct WrongClock {
        let node: TestNode

        private var file: String { node.folder + "/clock" }
        var environment: [String: String] { ["LD_PRELOAD": node.folder + "/clock.so", "CLOCK_OFFSET": file] }

        /// In the file that is there, which k3s has open.
        func set(ahead seconds: Int64) async throws {
            let bytes = (0..<8).map { "\\x" + Hex.encode([UInt8(truncatingIfNeeded: seconds >> ($0 * 8))]) }.joined()
            try await node.shell("printf '\(bytes)' | dd of=\(file) conv=notrunc status=none")
        }

        func build() async throws {
            let program = Path.join(Path.parent(of: #filePath), "Programs/clock.c")
            let words = ["-shared", "-fPIC", "-O1", "-o", node.folder + "/clock.so", program]
            let outcome = try await Command("/usr/bin/cc", words).run()
            guard outcome.status.isSuccess else { throw Unready("no clock can be made: \(outcome.errorText)") }
        }
    }

    /// What kubectl says whose clock and that of k3s differ: by its own the server's certificate does not hold.
    private static func distant(_ arguments: String..., server: TestNode.Server) async throws -> String {
        let outcome = try await server.kubectl(["--insecure-skip-tls-verify"] + arguments)
        guard outcome.status.isSuccess else { throw Unready(outcome.errorText) }
        return outcome.text
    }

    private static func awaitNode(_ server: TestNode.Server) async throws {
        try await eventually("the node is Ready", within: .seconds(60)) {
            try await distant("get", "node", "node-1", server: server).contains(" Ready ")
        }
    }

    private static let life = "jsonpath={.status.containerStatuses[0].containerID} {.status.containerStatuses[0].restartCount}"

    @Test func `a node that began in 1970 goes on when its clock is set, and when it is put back`() async throws {
        try await TestNode.bare { node in
            try await TestRegistry.start(on: node)
            let clock = WrongClock(node: node)
            try await clock.build()
            try await clock.set(ahead: 1000 - Timestamp.now.seconds)
            let server = try await node.begin(environment: clock.environment)
            try await Self.awaitNode(server)
            #expect(node.log.contains("time=\"1970-01-01T"))
            let file = node.folder + "/first.yaml"
            try Files.write(Self.pod("first"), to: file)
            _ = try await Self.distant("create", "-f", file, server: server)
            _ = try await Self.distant("wait", "--for=condition=Ready", "pod/first", "--timeout=50s", server: server)
            let life = try await Self.distant("get", "pod", "first", "-o", Self.life, server: server)
            #expect(try await !server.kubectl("get", "node", "node-1").status.isSuccess)

            try await clock.set(ahead: 0)
            try await eventually("there are certificates of today", within: .seconds(60)) {
                try await server.kubectl("get", "node", "node-1").text.contains(" Ready ")
            }
            try await expectWell(server, life)
            // By two years: what was made today is not valid yet.
            try await clock.set(ahead: -2 * 365 * 86_400)
            try await eventually("k3s begins anew once more", within: .seconds(60)) {
                node.log.components("k3s begins anew") == 2
            }
            try await Self.awaitNode(server)
            #expect(try await Self.distant("get", "pod", "first", "-o", Self.life, server: server) == life)
            // It heeds what it is told, as any start does.
            try await server.stop(.terminate)
        }
    }

    /// The pod has noticed nothing, and there can be others.
    private func expectWell(_ server: TestNode.Server, _ life: String) async throws {
        try await server.must("create", input: Self.pod("second"))
        try await server.must("wait", "--for=condition=Ready", "pod/first", "pod/second", "--timeout=50s")
        #expect(try await server.must("get", "pod", "first", "-o", Self.life) == life)
        #expect(try await server.must("logs", "first") == "hello\n")
        let token = "cat /var/run/secrets/kubernetes.io/serviceaccount/token"
        try await eventually("the pod has a token of today") {
            let text = try await server.shell("first", token).text
            let words = ["auth", "whoami", "--token=" + text, "--kubeconfig=/dev/null", "--server=https://127.0.0.1:6443"]
            return try await server.kubectl(words + ["--insecure-skip-tls-verify"]).text.contains("serviceaccount:default:default")
        }
    }
}

extension String {
    /// How often the words are in it.
    fileprivate func components(_ words: String) -> Int { ranges(of: words).count }
}
