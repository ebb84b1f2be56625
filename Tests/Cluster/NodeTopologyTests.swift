import Host
import Support
import Testing

/// What the kernel gives pods of processors, memory, large pages and devices, and how close together that lies.
@Suite(.serialized) struct NodeTopologyTests {
    private static let lamp = "example.com/lamp"
    private static let last = Machine.processorCount - 1
    private static let pages = "/sys/kernel/mm/hugepages/hugepages-2048kB/"

    private static func pod(
        _ name: String, _ resources: String, _ script: String = "true", medium: String = "Memory"
    ) -> String {
        """
        apiVersion: v1
        kind: Pod
        metadata: {name: \(name)}
        spec:
          nodeName: node-1
          terminationGracePeriodSeconds: 1
          restartPolicy: Never
          volumes: [{name: pages, emptyDir: {medium: \(medium)}}]
          containers:
          - name: main
            image: busybox:1
            command: [sh, -c, "\(script); exec sleep 100000"]
            resources: \(resources)
            volumeMounts: [{name: pages, mountPath: /pages}]
        """
    }

    /// A plug-in of two lamps: one is near to the first node of memory, one to a node that no machine has.
    private static func startPlugin(on node: TestNode) async throws {
        let data = node.folder + "/lamps"
        try Files.makeDirectory(data)
        try Files.write("near Healthy 0\nfar Healthy 63\n", to: data + "/lamps")
        let program = Path.join(Path.parent(of: #filePath), "Programs/device_plugin.py")
        var command = try node.command("/usr/bin/python3", ["-B", program, lamp, "/var/lib/kubelet/device-plugins", data])
        (command.output, command.errors) = (.null, .null)
        command.parentDeathSignal = .kill
        let process = try await command.start()
        Task { _ = try? await process.wait() }
    }

    /// Adds to the machine's large pages, which are all nodes', for as long as the test runs.
    private static func withPages(_ body: () async throws -> Void) async throws {
        let before = try #require(Int(try Files.readText(pages + "nr_hugepages").prefix { $0 != "\n" }))
        func set(_ count: Int) async throws {
            _ = try await Command("/bin/sh", ["-c", "echo \(count) >\(pages)nr_hugepages"]).run()
        }
        try await set(before + 8)
        do { try await body() } catch {
            try await set(before)
            throw error
        }
        try await set(before)
    }

    private static let arguments = [
        "cpu-manager-policy=static", "reserved-cpus=0", "memory-manager-policy=Static",
        "topology-manager-policy=single-numa-node", "system-reserved=memory=1Gi", "eviction-hard=memory.available<100Mi",
        "reserved-memory=0:memory=1124Mi",
    ].flatMap { ["--kubelet-arg", $0] }

    private static func status(_ pod: String, _ server: TestNode.Server) async throws -> String {
        let path = "jsonpath={.status.phase} {.status.reason} {.status.message}"
        return try await server.must("get", "pod", pod, "-o", path)
    }

    @Test func `what a container has alone lies close together, is held by the kernel, and is kept over a kill`() async throws {
        try await Self.withPages {
            try await TestNode.with(Self.arguments) { node, server in
                try await Self.startPlugin(on: node)
                try await eventually("the node has lamps") {
                    let name = Self.lamp.replacing(".", with: "\\.")
                    let path = "jsonpath={.status.allocatable.\(name)} {.status.allocatable.hugepages-2Mi}"
                    return try await server.must("get", "node", "node-1", "-o", path).hasPrefix("2 ")
                }
                try await expectGroups(node, server)
                try await expectOwn(node, server)
            }
        }
    }

    // MARK: Control groups

    /// The first of the files that is there, of cgroup v1 or v2, in the group of this path.
    private static func value(_ names: String..., of group: String, _ node: TestNode) async throws -> String {
        let files = names.map { "-name \($0)" }.joined(separator: " -o ")
        let find = "find /sys/fs/cgroup -path '*/\(node.cgroup)/kubepods/\(group)' -exec find {} -maxdepth 1 \\( \(files) \\) \\;"
        return try await node.shell("cat $(\(find))").split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }

    private func expectGroups(_ node: TestNode, _ server: TestNode.Server) async throws {
        let some = "{requests: {cpu: 200m, memory: 32Mi}, limits: {cpu: 500m, memory: 64Mi}}"
        try await server.must("create", input: Self.pod("some", some))
        try await server.must("create", input: Self.pod("nothing", "{}"))
        try await server.must("create", input: Self.pod("all", "{limits: {cpu: 100m, memory: 16Mi}}"))
        try await server.must("wait", "--for=condition=Ready", "pod", "--all", "--timeout=50s")
        func group(_ pod: String, _ quality: String) async throws -> String {
            quality + "pod" + (try await server.must("get", "pod", pod, "-o", "jsonpath={.metadata.uid}"))
        }
        let groups = [
            try await group("some", "burstable/"), try await group("nothing", "besteffort/"), try await group("all", ""),
        ]
        // Quotas, and weights as shares of 1024 a processor, or as cgroup v2 counts them.
        for (group, quota, memory) in [
            (groups[0], ["50000", "50000 100000"], "67108864"), (groups[1], ["-1", "max 100000"], ""),
            (groups[2], ["10000", "10000 100000"], "16777216"),
        ] {
            let found = try await Self.value("cpu.cfs_quota_us", "cpu.max", of: group, node)
            #expect(quota.contains(found), "\(group): \(found)")
            guard !memory.isEmpty else { continue }
            #expect(try await Self.value("memory.limit_in_bytes", "memory.max", of: group, node) == memory, "\(group)")
        }
        for (group, weights) in [
            (groups[0], ["204", "8", "34"]), (groups[1], ["2", "1"]), (groups[2], ["102", "4", "17"]), ("besteffort", ["2", "1"]),
            ("burstable", ["204", "8", "34"]),
        ] {
            try await eventually("the weight of \(group) is one of \(weights)") {
                weights.contains(try await Self.value("cpu.shares", "cpu.weight", of: group, node))
            }
        }
        try await server.must("delete", "pod", "--all")
        try await eventually("nobody's groups are gone") {
            try await node.shell("find /sys/fs/cgroup -path '*/\(node.cgroup)/kubepods/*' -name 'pod*-*'").isEmpty
        }
    }

    // MARK: Close together

    private func expectOwn(_ node: TestNode, _ server: TestNode.Server) async throws {
        let free = Self.pages + "free_hugepages"
        func freePages() throws -> Int { Int(try Files.readText(free).prefix { $0 != "\n" }) ?? -1 }
        let before = try freePages()
        let own = "{limits: {cpu: \(Self.last), memory: 64Mi, hugepages-2Mi: 4Mi, \(Self.lamp): 1}}"
        // Its memory is there as soon as it has a size.
        let script = "busybox fallocate -l 4M /pages/file"
        try await server.must("create", input: Self.pod("own", own, script, medium: "HugePages-2Mi"))
        try await server.must("wait", "--for=condition=Ready", "pod/own", "--timeout=50s")
        try await eventually("it has two large pages") { try freePages() == before - 2 }
        #expect(try await server.shell("own", "grep ' /pages ' /proc/mounts").text.contains(" hugetlbfs "))
        #expect(try await server.shell("own", "echo $LAMPS").text == "near\n")
        let places = try await server.shell("own", "grep _allowed_list /proc/1/status").text
            .split(whereSeparator: \.isWhitespace)
        #expect(places.count == 4 && places[3] == "0", "\(places)")
        #expect(places.count == 4 && places[1] == (Self.last == 1 ? "1" : "1-\(Self.last)"), "\(places)")

        try await server.must("create", input: Self.pod("apart", "{limits: {\(Self.lamp): 1}}"))
        let most = "{limits: {cpu: 0, memory: 16Mi, hugepages-2Mi: 1Gi}}"
        try await server.must("create", input: Self.pod("most", most, medium: "HugePages-2Mi"))
        for (name, status) in [
            ("apart", "TopologyAffinityError Pod was rejected: Resources cannot be allocated with Topology locality"),
            (
                "most",
                "OutOfhugepages-2Mi Pod was rejected: Node didn't have enough resource: hugepages-2Mi, requested: "
                    + "1073741824, used: 4194304, capacity: "
            ),
        ] {
            try await eventually("the pod \(name) fails") {
                try await Self.status(name, server).hasPrefix("Failed " + status)
            }
        }
        try await expectKept(node, server)
        try await eventually("its pages are free") { try freePages() == before }
    }

    private func expectKept(_ node: TestNode, _ server: TestNode.Server) async throws {
        func entries() async throws -> String {
            let script = "import json; print(json.load(open('/var/lib/kubelet/memory_manager_state')).get('entries'))"
            return try await node.shell("python3 -c \"\(script)\"")
        }
        let uid = try await server.must("get", "pod", "own", "-o", "jsonpath={.metadata.uid}")
        let kept = try await entries()
        for part in [uid, "'size': 67108864, 'type': 'memory'", "'size': 4194304, 'type': 'hugepages-2Mi'"] {
            #expect(kept.contains(part), "\(kept)")
        }
        let path = "jsonpath={.status.containerStatuses[0].containerID} {.status.containerStatuses[0].restartCount}"
        let container = try await server.must("get", "pod", "own", "-o", path)
        try await server.stop(.kill)
        let again = try await node.start(Self.arguments)
        #expect(try await entries() == kept)
        #expect(try await again.must("get", "pod", "own", "-o", path) == container)
        try await again.must("delete", "pod", "--all")
        try await eventually("nobody has anything alone") { try await !entries().contains(uid) }
    }
}
