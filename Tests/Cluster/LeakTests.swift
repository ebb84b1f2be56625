import Host
import Support
import Testing

/// Nothing of a pod outlives it on its node, whoever is killed in between.
@Suite(.serialized) struct LeakTests {
    /// A pod with something of everything that is mounted for pods.
    private static func pod(_ name: String) -> String {
        """
        apiVersion: v1
        kind: Pod
        metadata: {name: \(name), labels: {app: many}}
        spec:
          nodeName: node-1
          terminationGracePeriodSeconds: 1
          volumes:
          - {name: memory, emptyDir: {medium: Memory, sizeLimit: 1Mi}}
          - {name: disk, emptyDir: {}}
          - {name: labels, downwardAPI: {items: [{path: labels, fieldRef: {fieldPath: metadata.labels}}]}}
          containers:
          - name: main
            image: busybox:1
            command: [sleep, "100000"]
            volumeMounts:
            - {name: memory, mountPath: /memory}
            - {name: disk, mountPath: /part, subPath: part}
            - {name: labels, mountPath: /labels}
        """
    }

    private static func pods(_ name: String, _ numbers: Range<Int>) -> String {
        numbers.map { pod("\(name)-\($0)") }.joined(separator: "\n---\n")
    }

    /// Asks the node's disk: kubectl again and again would take the machine from those who make the pods.
    private static func awaitBegun(_ count: Int, _ node: TestNode) async throws {
        let logs = node.folder + "/var/log/containers"
        try await eventually("\(count) containers have begun", within: patience) {
            try Files.list(logs).count >= count
        }
    }

    /// As long as a slow machine may take for fifty pods and more, beside what else it does: ten times as long as a quiet
    /// one. Bounds a hang only.
    private static let patience = Duration.seconds(180)

    private static func awaitReady(_ server: TestNode.Server) async throws {
        try await eventually("all pods are ready", within: patience) {
            let condition = ["wait", "--for=condition=Ready", "pod", "-l", "app=many", "--timeout=50s"]
            return try await server.kubectl(condition).status.isSuccess
        }
    }

    private static func awaitGone(_ node: TestNode, _ server: TestNode.Server) async throws {
        let folders = node.folder + "/var/lib/kubelet/pods"
        var left: [String] = []
        do {
            try await eventually("no pod has a folder", within: patience) {
                left = try Files.list(folders)
                return left.isEmpty
            }
        } catch { throw Unready("\(error): \(left)") }
        try await eventually("all pods are gone", within: patience) {
            try await server.must("get", "pods", "-l", "app=many", "-o", "name").isEmpty
        }
    }

    // MARK: What is left whatever the moment is in which containerd is killed

    /// Names of containerd's making. A process is in the second.
    private static let namespaces = (1...3).map { "cni-0000000\($0)-1234-5678-9abc-def012345678" }

    /// What belongs to others, and stays.
    private static func makeOthers(_ node: TestNode) async throws {
        for name in [namespaces[1], "mine"] { try await node.shell("ip netns add \(name)") }
        // Counted under its own name, not under that of the program that starts it.
        try await node.shell(
            """
            ip netns exec \(namespaces[1]) sleep 1000 >/dev/null 2>&1 </dev/null &
            until grep -qx sleep /proc/$!/comm; do sleep 0.02; done
            """)
    }

    /// As a containerd leaves it that is killed at the worst moments: a namespace of no sandbox, the file of one that is
    /// none yet, a shim that was not asked for a process, the socket of one that was killed, and a lease.
    private static func plant(_ node: TestNode) async throws {
        try await node.shell(
            """
            ip netns add \(namespaces[0])
            touch /run/netns/\(namespaces[2])
            socket=/run/k3s/containerd/containerd.sock
            for id in lost killed; do
                mkdir /run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io/$id
                cd /run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io/$id
                echo '{}' >config.json
                mkfifo log
                exec 3<>log
                TTRPC_ADDRESS=$socket.ttrpc containerd-shim-runc-v2 -namespace k8s.io -id $id -address $socket \\
                    -publish-binary /usr/bin/containerd start </dev/null >/dev/null 2>&1
            done
            kill -9 $(grep -lzx '[k]illed' /proc/[0-9]*/cmdline | grep -o '[0-9]*')
            rm -r /run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io/killed
            ctr -a $socket -n k8s.io leases create --id 418034402-yVkD
            """)
    }

    @Test func `200 pods leave nothing behind, though k3s and containerd are killed in between`() async throws {
        try await TestNode.with { node, first in
            var server = first
            // Brings the images, and what the first pod of a node makes for all.
            try await server.must("create", input: Self.pod("warm"))
            try await server.must("wait", "--for=condition=Ready", "pod/warm", "--timeout=50s")
            try await server.must("delete", "pod", "warm")
            try await Self.makeOthers(node)
            let before = try await Leftovers.count(on: node)

            // Killed while pods are made, and again while they are ended.
            try await server.must("create", input: Self.pods("one", 0..<50))
            try await Self.awaitBegun(10, node)
            try await server.stop(.kill)
            server = try await node.start()
            try await Self.awaitReady(server)
            try await server.must("create", input: Self.pods("one", 50..<100))
            try await Self.awaitBegun(60, node)
            try await node.killContainerd()
            try await Self.awaitReady(server)
            try await server.must("delete", "pods", "-l", "app=many", "--wait=false")
            try await node.killContainerd()
            try await Task.sleep(for: .seconds(1))
            try await server.stop(.kill)
            server = try await node.start()
            try await Self.awaitGone(node, server)

            // Made and ended at once, and both killed together.
            try await server.must("create", input: Self.pods("two", 0..<100))
            try await Self.awaitBegun(20, node)
            try await server.must("delete", "pods", "-l", "app=many", "--wait=false")
            try await Self.plant(node)
            try await node.killContainerd()
            try await server.stop(.kill)
            server = try await node.start()
            try await Self.awaitGone(node, server)
            // A namespace must seem to be nobody's for half a minute.
            try await Leftovers.expectNone(since: before, on: node, within: .seconds(40))
            let kept = try await node.shell("ls /run/netns").split(separator: "\n").map(String.init)
            #expect(kept == [Self.namespaces[1], "mine"])
        }
    }
}
