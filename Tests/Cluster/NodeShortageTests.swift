import Host
import Support
import Testing

/// A node that runs short of memory, of inodes and of processes: who has to go, who stays, and what is told.
///
/// Nothing here depends on what else the machine does: pods are held to a share of its memory, their disk is one of their
/// own, and how many processes there may be is what a file says that only this node sees.
@Suite(.serialized) struct NodeShortageTests {
    private static let mebibyte: Int64 = 1 << 20
    /// What all pods are held to, which leaves them 500 MiB before somebody has to go.
    private static let share = 700 * mebibyte
    private static let processes = "/proc/sys/kernel/pid_max"

    private static func start(_ node: TestNode) async throws -> TestNode.Server {
        try await node.shell("mount -t tmpfs -o size=512m,nr_inodes=20000 tmpfs /var/lib/kubelet")
        let most = node.folder + "/most"
        try await node.shell("cat \(processes) >\(most); mount --bind \(most) \(processes)")
        try await TestRegistry.start(on: node)
        let settings = [
            "system-reserved=memory=\(try Machine.memory().total.bytes - share)",
            "eviction-hard=memory.available<200Mi,pid.available<1000", "eviction-soft=nodefs.inodesFree<16000",
            "eviction-soft-grace-period=nodefs.inodesFree=1s", "eviction-max-pod-grace-period=9",
            "eviction-pressure-transition-period=3s",
        ]
        return try await node.start(settings.flatMap { ["--kubelet-arg", $0] })
    }

    /// A pod that does something, and then waits to be ended.
    private static func pod(_ name: String, _ script: String, _ resources: String = "{}", more: String = "") -> String {
        """
        apiVersion: v1
        kind: Pod
        metadata: {name: \(name)}
        spec:
          nodeName: node-1
          terminationGracePeriodSeconds: 30
          \(more)
          volumes: [{name: memory, emptyDir: {medium: Memory}}, {name: disk, emptyDir: {}}]
          containers:
          - name: main
            image: busybox:1
            command: [sh, -c, "\(script); touch /tmp/done; trap 'sleep 2; exit 7' TERM; while :; do sleep 0.2; done"]
            readinessProbe: {exec: {command: [cat, /tmp/done]}, periodSeconds: 1}
            resources: \(resources)
            volumeMounts: [{name: memory, mountPath: /memory}, {name: disk, mountPath: /disk}]
        """
    }

    private static func takes(_ mebibytes: Int) -> String { "dd if=/dev/zero of=/memory/file bs=1M count=\(mebibytes)" }

    private static func status(_ pod: String, _ path: String, _ server: TestNode.Server) async throws -> String {
        try await server.must("get", "pod", pod, "-o", "jsonpath={.status\(path)}")
    }

    private static let end = ".phase} {.status.reason} {.status.message"

    /// What the condition says, and which taints there are.
    private static func pressure(_ type: String, _ server: TestNode.Server) async throws -> String {
        let condition = #"{.status.conditions[?(@.type=="\#(type)")]"#
        let path = "jsonpath=\(condition).status} \(condition).reason} {.spec.taints[*].key}"
        return try await server.must("get", "node", "node-1", "-o", path)
    }

    @Test func `pods that use more than they asked for go, one at a time, and the node is well again`() async throws {
        try await TestNode.bare { node in
            let server = try await Self.start(node)
            try await Self.expectShare(node, server)
            let important = "priorityClassName: important"
            try await server.must("create", "priorityclass", "important", "--value=1000")
            for pod in [
                // Within its request, over it but of a higher class, one of the node's own, and over it by little.
                Self.pod("modest", Self.takes(50), "{requests: {memory: 100Mi}}"),
                Self.pod("important", Self.takes(150), more: important),
                Self.pod("critical", Self.takes(60), more: "priorityClassName: system-node-critical"),
                Self.pod("small", Self.takes(5)),
            ] { try await server.must("create", input: pod) }
            try await server.must("wait", "--for=condition=Ready", "pod", "--all", "--timeout=50s")
            try await expectMemory(server)
            try await expectInodesAndProcesses(node, server)
            for name in ["modest", "important", "critical", "small"] {
                let path = ".phase} {.status.containerStatuses[0].restartCount"
                #expect(try await Self.status(name, path, server) == "Running 0", "\(name)")
            }
        }
    }

    /// What is not the system's is the pods', by the API's word and by the kernel's.
    private static func expectShare(_ node: TestNode, _ server: TestNode.Server) async throws {
        let allocatable = "jsonpath={.status.allocatable.memory}"
        #expect(try await server.must("get", "node", "node-1", "-o", allocatable) == "500Mi")
        let files = "-name memory.limit_in_bytes -o -name memory.max"
        let group = "find /sys/fs/cgroup -path '*/\(node.cgroup)/kubepods/memory.*' \\( \(files) \\)"
        try await eventually("all pods are held to their share") {
            try await node.shell("cat $(\(group))") == "\(share)\n"
        }
    }

    private func expectMemory(_ server: TestNode.Server) async throws {
        try await server.must("create", input: Self.pod("greedy", Self.takes(300), "{requests: {memory: 50Mi}}"))
        let low = "Failed Evicted The node was low on resource: memory. Threshold quantity: 200Mi, available: "
        try await eventually("the one farthest over its request goes") {
            try await Self.status("greedy", Self.end, server).hasPrefix(low)
        }
        let text = try await Self.status("greedy", Self.end, server)
        #expect(text.contains("Container main was using ") && text.contains(", request is 50Mi, has larger"), "\(text)")
        // For a hard threshold nobody waits for a pod.
        #expect(try await Self.status("greedy", ".containerStatuses[0].state.terminated.exitCode", server) == "137")
        let why = #".conditions[?(@.type=="DisruptionTarget")].reason"#
        #expect(try await Self.status("greedy", why, server) == "TerminationByKubelet")
        let pressure = "True KubeletHasInsufficientMemory node.kubernetes.io/memory-pressure"
        #expect(try await Self.pressure("MemoryPressure", server) == pressure)
        // Meanwhile those that ask for nothing are not let in, and those that ask are.
        try await server.must("create", input: Self.pod("late", "true"))
        try await server.must("create", input: Self.pod("asks", "true", "{requests: {memory: 1Mi}}"))
        try await eventually("the node refuses it") {
            try await Self.status("late", Self.end, server)
                == "Failed Evicted Pod was rejected: The node had condition: [MemoryPressure]. "
        }
        try await server.must("wait", "--for=condition=Ready", "pod/asks", "--timeout=20s")
        try await eventually("there is enough again") {
            try await Self.pressure("MemoryPressure", server) == "False KubeletHasSufficientMemory "
        }
        let events = try await server.must("get", "events", "--field-selector", "involvedObject.name=node-1")
        #expect(events.contains("EvictionThresholdMet") && events.contains("Attempting to reclaim memory"), "\(events)")
        try await server.must("delete", "pod", "greedy", "late", "asks")
    }

    private func expectInodesAndProcesses(_ node: TestNode, _ server: TestNode.Server) async throws {
        try await server.must("create", input: Self.pod("files", "cd /disk; busybox seq 5000 | busybox xargs touch"))
        let forks = "for i in $(busybox seq 400); do sleep 10000 & done"
        try await server.must("create", input: Self.pod("forks", forks))
        try await server.must("wait", "--for=condition=Ready", "pod/forks", "--timeout=50s")
        // There are as many processes as there may be, but for 500.
        try await node.shell("all=$(cut -d ' ' -f 4 /proc/loadavg); echo $((${all#*/} + 500)) >\(Self.processes)")
        let low = "Failed Evicted The node was low on resource: "
        try await eventually("the pod with most processes goes", within: .seconds(40)) {
            try await Self.status("forks", Self.end, server)
                .hasPrefix(low + "pids. Threshold quantity: 1k, available: ")
        }
        let pressure = try await Self.pressure("PIDPressure", server)
        #expect(pressure.hasPrefix("True KubeletHasInsufficientPID ") && pressure.contains("/pid-pressure"), "\(pressure)")
        try await node.shell("echo 4194304 >\(Self.processes)")
        try await eventually("the pod with most files goes", within: .seconds(40)) {
            try await Self.status("files", Self.end, server)
                .hasPrefix(low + "inodes. Threshold quantity: 16k, available: ")
        }
        // For a soft threshold it is given time to end.
        #expect(try await Self.status("files", ".containerStatuses[0].state.terminated.exitCode", server) == "7")
        try await eventually("the node is well again", within: .seconds(40)) {
            let disk = try await Self.pressure("DiskPressure", server)
            return try await Self.pressure("PIDPressure", server) == "False KubeletHasSufficientPID "
                && disk == "False KubeletHasNoDiskPressure "
        }
        try await server.must("delete", "pod", "forks", "files")
    }
}
