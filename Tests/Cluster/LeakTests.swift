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

    private static func pods(_ names: [String]) -> String { names.map(pod).joined(separator: "\n---\n") }

    private static func running(_ server: TestNode.Server) async throws -> Int {
        let phases = "jsonpath={range .items[*]}{.status.phase}{\"\\n\"}{end}"
        return try await server.must("get", "pods", "-l", "app=many", "-o", phases)
            .split(separator: "\n").count { $0 == "Running" }
    }

    private static func awaitGone(_ server: TestNode.Server) async throws {
        try await eventually("all pods are gone", within: .seconds(120)) {
            try await server.must("get", "pods", "-l", "app=many", "-o", "name").isEmpty
        }
    }

    @Test func `200 pods leave nothing behind, though k3s and containerd are killed in between`() async throws {
        try await TestNode.with { node, first in
            var server = first
            // Brings the images, and what the first pod of a node makes for all.
            try await server.must("create", input: Self.pod("warm"))
            try await server.must("wait", "--for=condition=Ready", "pod/warm", "--timeout=120s")
            try await server.must("delete", "pod", "warm")
            let before = try await Leftovers.count(on: node)

            // Killed while pods are made, and again while they are ended.
            try await server.must("create", input: Self.pods((0..<100).map { "one-\($0)" }))
            try await eventually("some run") { try await Self.running(server) >= 10 }
            try await server.stop(.kill)
            server = try await node.start()
            try await eventually("some more run") { try await Self.running(server) >= 30 }
            try await node.killContainerd()
            try await eventually("all run", within: .seconds(120)) { try await Self.running(server) == 100 }
            try await server.must("delete", "pods", "-l", "app=many", "--wait=false")
            try await node.killContainerd()
            try await Task.sleep(for: .seconds(1))
            try await server.stop(.kill)
            server = try await node.start()
            try await Self.awaitGone(server)

            // Made and ended at once, and both killed together.
            try await server.must("create", input: Self.pods((0..<100).map { "two-\($0)" }))
            try await eventually("some run") { try await Self.running(server) >= 20 }
            try await server.must("delete", "pods", "-l", "app=many", "--wait=false")
            try await node.killContainerd()
            try await server.stop(.kill)
            server = try await node.start()
            try await Self.awaitGone(server)
            try await Leftovers.expectNone(since: before, on: node)
        }
    }

    @Test func `what a killed containerd had begun goes when it starts again`() async throws {
        try await TestNode.with { node, server in
            try await server.must("create", input: Self.pod("stays"))
            try await server.must("wait", "--for=condition=Ready", "pod/stays", "--timeout=120s")
            let present = try await node.shell("ls /run/netns")
            // As containerd names them; one that a process is in, and one of somebody else.
            let names = (1...2).map { "cni-0000000\($0)-1234-5678-9abc-def012345678" }
            for name in names + ["mine"] { try await node.shell("ip netns add \(name)") }
            try await node.shell("ip netns exec \(names[1]) sleep 1000 >/dev/null 2>&1 </dev/null &")
            try await node.shell("touch /run/netns/cni-00000003-1234-5678-9abc-def012345678")
            // A shim that was not asked for a process yet.
            try await node.shell(
                """
                socket=/run/k3s/containerd/containerd.sock
                mkdir /run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io/lost
                cd /run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io/lost
                echo '{}' >config.json
                mkfifo log
                sleep 1000 <>log >/dev/null 2>&1 &
                TTRPC_ADDRESS=$socket.ttrpc containerd-shim-runc-v2 -namespace k8s.io -id lost -address $socket \\
                    -publish-binary /usr/bin/containerd start </dev/null >/dev/null 2>&1
                """)
            let shims = "{ grep -zlx '[l]ost' /proc/[0-9]*/cmdline || true; } | wc -l; ls /run/containerd/s | wc -l"
            #expect(try await node.shell(shims) == "1\n2\n")
            try await node.killContainerd()
            let expected = (present.split(separator: "\n").map(String.init) + [names[1], "mine"]).sorted()
            // It looks twice, half a minute apart.
            try await eventually("they are gone", within: .seconds(120)) {
                try await node.shell("ls /run/netns").split(separator: "\n").map(String.init).sorted() == expected
            }
            #expect(try await node.shell(shims) == "0\n1\n")
            try await server.must("delete", "pod", "stays")
            #expect(try await node.shell("ls /run/netns").split(separator: "\n").count == 2)
        }
    }
}
