import Host
import Support
import Testing

/// Pods that a node runs from files, on real containers.
@Suite(.serialized) struct StaticPodTests {
    private static func text(_ words: String) -> String {
        """
        apiVersion: v1
        kind: Pod
        metadata: {name: own, labels: {app: own}}
        spec:
          terminationGracePeriodSeconds: 1
          containers:
          - {name: own, image: "busybox:1", command: [sh, -c, "echo \(words); exec sleep 100000"]}
        """
    }

    @Test func `a file in the node's folder is a pod, which outlives its mirror and goes with the file`() async throws {
        try await TestNode.with { node, server in
            let folder = node.folder + "/var/lib/rancher/k3s/agent/pod-manifests"
            let file = folder + "/own.yaml"
            try await eventually("the node has the folder") { Files.exists(folder) }
            try Files.write(Self.text("first"), to: file)
            try await eventually("the mirror is there") { try await server.kubectl("get", "pod", "own-node-1").status.isSuccess }
            try await server.must("wait", "--for=condition=Ready", "pod/own-node-1", "--timeout=50s")
            let container = "jsonpath={.status.containerStatuses[0].containerID}"
            let first = try await server.must("get", "pod", "own-node-1", "-o", container)
            #expect(try await server.must("logs", "own-node-1") == "first\n")
            #expect(try await server.shell("own-node-1", "hostname").text == "own-node-1\n")

            try await server.must("delete", "pod", "own-node-1", "--wait=false")
            try await eventually("the mirror is there again, with the same container") {
                let text = try await server.kubectl("get", "pod", "own-node-1", "-o", container + " {.metadata.deletionTimestamp}")
                return text.text == first + " "
            }

            try Files.write(Self.text("second"), to: file)
            try await eventually("the other pod has its place") {
                try await server.kubectl("logs", "own-node-1").text == "second\n"
            }
            try Files.remove(file)
            try await server.must("wait", "--for=delete", "pod/own-node-1", "--timeout=30s")
        }
    }

    @Test func `a pod of a file runs on when k3s is killed, begins again when it ends, and is not hurt by bad files`() async throws {
        try await TestNode.with { node, server in
            let folder = node.folder + "/var/lib/rancher/k3s/agent/pod-manifests"
            try await eventually("the node has the folder") { Files.exists(folder) }
            try Files.write("{broken", to: folder + "/a.yaml")
            let asking = Self.text("x").replacing("name: own,", with: "name: asks,")
                .replacing("spec:\n", with: "spec:\n  serviceAccountName: other\n")
            try Files.write(asking, to: folder + "/b.yaml")
            try Files.write(Self.text("here"), to: folder + "/own.yaml")
            try await eventually("the mirror is there") { try await server.kubectl("get", "pod", "own-node-1").status.isSuccess }
            try await server.must("wait", "--for=condition=Ready", "pod/own-node-1", "--timeout=50s")
            #expect(try await server.must("get", "pods", "-o", "name") == "pod/own-node-1\n")
            #expect(node.log.contains("a.yaml: ") && node.log.contains("b.yaml: static pods may not reference "))

            let state = "jsonpath={.status.containerStatuses[0].containerID} {.status.containerStatuses[0].restartCount}"
            let before = try await server.must("get", "pod", "own-node-1", "-o", state)
            try await server.stop(.kill)
            let again = try await node.start()
            try await again.must("wait", "--for=condition=Ready", "pod/own-node-1", "--timeout=50s")
            #expect(try await again.must("get", "pod", "own-node-1", "-o", state) == before)

            try await node.shell("pkill -9 -f '^sleep 100000'")
            try await eventually("it begins again") {
                try await again.must("get", "pod", "own-node-1", "-o", state).hasSuffix(" 1")
            }
            try await again.must("wait", "--for=condition=Ready", "pod/own-node-1", "--timeout=50s")
        }
    }
}
