import Host
import Support
import Testing

/// Pods that have processors for themselves, on real control groups.
@Suite(.serialized) struct OwnProcessorsTests {
    private static func pod(_ name: String, _ resources: String) -> String {
        """
        apiVersion: v1
        kind: Pod
        metadata: {name: \(name)}
        spec:
          nodeName: node-1
          terminationGracePeriodSeconds: 1
          containers:
          - name: main
            image: busybox:1
            command: [sh, -c, "exec sleep 100000"]
            resources: \(resources)
        """
    }

    private static let last = Machine.processorCount - 1

    @Test
    func `a container has processors for itself, and the others the rest`() async throws {
        let policy = ["cpu-manager-policy=static", "reserved-cpus=0"].flatMap { ["--kubelet-arg", $0] }
        try await TestNode.with(policy) { _, server in
            func allowed(_ pod: String) async throws -> String {
                let text = try await server.shell(pod, "grep Cpus_allowed_list /proc/1/status").text
                return text.split(whereSeparator: \.isWhitespace).last.map(String.init) ?? ""
            }
            func create(_ name: String, _ resources: String) async throws {
                try await server.must("create", input: Self.pod(name, resources))
            }
            let own = "{limits: {cpu: \(Self.last), memory: 64Mi}}"
            try await create("shared", "{}")
            try await server.must("wait", "--for=condition=Ready", "pod/shared", "--timeout=50s")
            #expect(try await allowed("shared") == "0-\(Self.last)")
            try await create("own", own)
            try await server.must("wait", "--for=condition=Ready", "pod/own", "--timeout=50s")
            #expect(try await allowed("own") == (Self.last == 1 ? "1" : "1-\(Self.last)"))
            try await eventually("the other container has left them") { try await allowed("shared") == "0" }
            try await create("late", own)
            let status = "jsonpath={.status.phase} {.status.reason}"
            try await eventually("there is no room for another one") {
                try await server.must("get", "pod", "late", "-o", status) == "Failed UnexpectedAdmissionError"
            }
            try await server.must("delete", "pod", "late", "own")
            try await eventually("all processors are shared again") {
                try await allowed("shared") == "0-\(Self.last)"
            }
        }
    }
}
