import Host
import Support
import Testing

/// A node on whose disks there is no room, and whose registry does not answer.
///
/// The disks of images and of pods are of memory, so that nobody else fills them or is hurt when they are full.
@Suite(.serialized) struct FullNodeTests {
    private static let images = "/var/lib/rancher/k3s/agent/containerd"
    private static let pods = "/var/lib/kubelet"
    private static let ctr = "ctr -a /run/k3s/containerd/containerd.sock -n k8s.io"

    private static func pod(_ name: String, _ image: String = "busybox:1", _ script: String = "exec sleep 100000") -> String {
        """
        apiVersion: v1
        kind: Pod
        metadata: {name: \(name)}
        spec:
          nodeName: node-1
          terminationGracePeriodSeconds: 1
          containers:
          - name: main
            image: \(image)
            command: [sh, -c, "\(script)"]
        """
    }

    private static func arguments(_ more: String...) -> [String] {
        // No pod has to go for want of room: what there is none for is seen.
        let all = ["eviction-hard=memory.available<1Mi", "minimum-image-ttl-duration=1s"] + more
        return all.flatMap { ["--kubelet-arg", $0] }
    }

    private static func has(_ image: String, _ node: TestNode) async throws -> Bool {
        try await node.shell("\(ctr) images ls -q").contains("docker.io/library/\(image)\n")
    }

    private static func events(_ pod: String, _ server: TestNode.Server) async throws -> String {
        try await server.must("get", "events", "--field-selector", "involvedObject.name=\(pod)")
    }

    private static func awaitReady(_ pods: String..., server: TestNode.Server) async throws {
        let names = pods.map { "pod/" + $0 }
        let outcome = try await server.kubectl(["wait", "--for=condition=Ready", "--timeout=55s"] + names)
        #expect(outcome.status.isSuccess, "\(pods): \(outcome.errorText)")
    }

    @Test func `a node makes room of images, says what there is no room for, and goes on when there is some`() async throws {
        try await TestNode.bare { node in
            for (folder, size) in [(Self.images, "200m"), (Self.pods, "16m")] {
                try await node.shell("mkdir -p \(folder); mount -t tmpfs -o size=\(size) tmpfs \(folder)")
            }
            try await TestRegistry.start(on: node)
            let server = try await node.start(Self.arguments("image-gc-high-threshold=60", "image-gc-low-threshold=40"))
            try await server.must("create", input: Self.pod("keep"))
            try await server.must("create", input: Self.pod("fails", "busybox:1", "exit 1"))
            try await server.must("create", input: Self.pod("other", "nginx:two"))
            try await Self.awaitReady("keep", "other", server: server)
            try await server.must("delete", "pod", "other")
            try await expectRoom(node, server)
            try await expectFullImages(node, server)
            try await expectFullPods(node, server)
            try await expectDeafRegistry(node, server)
            // Of a container that ended again and again the last one is kept, beside the one of now.
            try await eventually("one dead container is left") {
                let count = "jsonpath={.status.containerStatuses[0].restartCount}"
                guard try await Int(server.must("get", "pod", "fails", "-o", count)) ?? 0 >= 2 else { return false }
                let filter = #"'labels."io.kubernetes.pod.name"==fails'"#
                // The sandbox is one.
                return try await node.shell("\(Self.ctr) containers ls -q \(filter)").split(separator: "\n").count <= 3
            }
            try await server.must("delete", "pod", "fails", "again", "late")
            try await server.stop(.terminate)

            let again = try await node.start(Self.arguments("image-maximum-gc-age=3s"))
            try await eventually("images that nobody has used for long are gone", within: .seconds(40)) {
                let isLeft = (try await Self.has("nginx:two", node), try await Self.has("nginx:stable-alpine", node))
                return isLeft == (false, false)
            }
            #expect(try await Self.has("busybox:1", node))
            #expect(try await again.shell("keep", "echo there").text == "there\n")
        }
    }

    /// The image that nobody uses goes when the disk is fuller than it may be.
    private func expectRoom(_ node: TestNode, _ server: TestNode.Server) async throws {
        #expect(try await Self.has("nginx:two", node))
        try await node.shell(
            """
            size() { df --block-size=1M --output=$1 \(Self.images) | tail -1; }
            dd if=/dev/zero of=\(Self.images)/filler bs=1M count=$(( $(size size) * 65 / 100 - $(size used) )) status=none
            """)
        try await eventually("the image that nobody uses is gone", within: .seconds(40)) { try await !Self.has("nginx:two", node) }
        #expect(try await Self.has("busybox:1", node))
        #expect(try await node.shell("\(Self.ctr) images ls -q").contains("pause"))
        #expect(try await server.must("get", "pod", "keep", "-o", "jsonpath={.status.phase}") == "Running")
    }

    private func expectFullImages(_ node: TestNode, _ server: TestNode.Server) async throws {
        try await node.shell("cat /dev/zero >\(Self.images)/rest 2>/dev/null || true")
        try await server.must("create", input: Self.pod("late", "nginx:two"))
        try await eventually("it is told that there is no room for its image") {
            try await Self.events("late", server).contains("no space left on device")
        }
        // What was tried for the image has left some room again.
        let written = try await server.shell("keep", "busybox dd if=/dev/zero of=/file bs=1M count=200")
        #expect(written.errorText.contains("No space left on device"), "\(written.errorText)")
        #expect(try await server.must("get", "node", "node-1").contains(" Ready "))
        try await node.shell("rm \(Self.images)/rest \(Self.images)/filler")
        try await Self.awaitReady("late", server: server)
        #expect(try await server.shell("keep", "echo text >/file; cat /file").text == "text\n")
    }

    private func expectFullPods(_ node: TestNode, _ server: TestNode.Server) async throws {
        try await node.shell("cat /dev/zero >\(Self.pods)/filler 2>/dev/null || true")
        try await server.must("create", input: Self.pod("mounts"))
        try await eventually("it is told that there is no room for its files") {
            try await Self.events("mounts", server).contains("No space left on device")
        }
        #expect(try await server.shell("keep", "echo there").text == "there\n")
        try await node.shell("rm \(Self.pods)/filler")
        try await Self.awaitReady("mounts", server: server)
        try await server.must("delete", "pod", "mounts")
    }

    /// Who waits for a registry keeps nobody else waiting, and can be deleted.
    private func expectDeafRegistry(_ node: TestNode, _ server: TestNode.Server) async throws {
        try await TestRegistry.suspend(on: node)
        try await server.must("create", input: Self.pod("waits", "nginx:stable-alpine"))
        try await eventually("it is told what the pod waits for") {
            try await Self.events("waits", server).contains("Pulling image \"nginx:stable-alpine\"")
        }
        try await server.must("create", input: Self.pod("present"))
        try await Self.awaitReady("present", server: server)
        try await server.must("delete", "pod", "waits", "present", "--timeout=20s")
        try await server.must("create", input: Self.pod("again", "nginx:stable-alpine"))
        try await TestRegistry.resume(on: node)
        try await Self.awaitReady("again", server: server)
    }
}
