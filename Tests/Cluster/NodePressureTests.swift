import Host
import Support
import Testing

/// A node that has too little: of processors for a critical pod, and of room on its disk.
@Suite(.serialized) struct NodePressureTests {
    private static func pod(
        _ name: String, _ script: String, _ resources: String = "{}", more: String = ""
    ) -> String {
        """
        apiVersion: v1
        kind: Pod
        metadata: {name: \(name)}
        spec:
          nodeName: node-1
          terminationGracePeriodSeconds: 1
          \(more)
          volumes: [{name: data, emptyDir: {}}]
          containers:
          - name: main
            image: busybox:1
            command: [sh, -c, "\(script)"]
            resources: \(resources)
            volumeMounts: [{name: data, mountPath: /data}]
        """
    }

    private static func status(_ pod: String, _ server: TestNode.Server) async throws -> String {
        let path = "jsonpath={.status.phase} {.status.reason} {.status.message}"
        return try await server.must("get", "pod", pod, "-o", path)
    }

    private static func pressure(_ server: TestNode.Server) async throws -> String {
        let path = #"jsonpath={.status.conditions[?(@.type=="DiskPressure")].status} {.spec.taints[*].key}"#
        return try await server.must("get", "node", "node-1", "-o", path)
    }

    /// The pods' disk is one of memory, so that nobody else fills it or is hurt when it is full.
    private static func start(_ node: TestNode) async throws -> TestNode.Server {
        try await node.shell("mount -t tmpfs -o size=64m tmpfs /var/lib/kubelet")
        try await TestRegistry.start(on: node)
        let settings = ["eviction-hard=nodefs.available<30Mi", "eviction-pressure-transition-period=1s"]
        return try await node.start(settings.flatMap { ["--kubelet-arg", $0] })
    }

    @Test func `critical pods take the place of others, and pods that fill the disk go`() async throws {
        try await TestNode.bare { node in
            let server = try await Self.start(node)
            // Nearly all processors.
            let most = "{requests: {cpu: \(Machine.processorCount * 1000 - 500)m}}"
            try await server.must("create", input: Self.pod("large", "exec sleep 100000", most))
            try await server.must("create", input: Self.pod("modest", "echo >/data/file; exec sleep 100000"))
            for name in ["large", "modest"] {
                try await server.must("wait", "--for=condition=Ready", "pod/\(name)", "--timeout=50s")
            }
            let critical = "priorityClassName: system-node-critical"
            let some = "{requests: {cpu: 1}}"
            try await server.must("create", input: Self.pod("critical", "exec sleep 100000", some, more: critical))
            try await server.must("wait", "--for=condition=Ready", "pod/critical", "--timeout=50s")
            let why = "Failed Preempting Preempted in order to admit critical pod"
            try await eventually("another one had to go") { try await Self.status("large", server) == why }

            let fill = "dd if=/dev/zero of=/data/file bs=1M count=45; exec sleep 100000"
            try await server.must("create", input: Self.pod("hog", fill))
            let low = "The node was low on resource: ephemeral-storage."
            let words = "Failed Evicted \(low) Threshold quantity: 30Mi, available:"
            try await eventually("the pod that fills the disk goes", within: .seconds(40)) {
                try await Self.status("hog", server).hasPrefix(words)
            }
            try await eventually("the node says so") {
                try await Self.pressure(server) == "True node.kubernetes.io/disk-pressure"
            }
            try await eventually("there is room again", within: .seconds(40)) {
                try await Self.pressure(server) == "False "
            }
            for name in ["critical", "modest"] {
                #expect(try await Self.status(name, server).hasPrefix("Running"), "\(name)")
            }
        }
    }
}
