import Host
import Support
import Testing

/// Pods that do what they can to harm their node, which tells of them, and gets rid of them.
@Suite(.serialized) struct UnrulyPodTests {
    private static func pod(_ name: String, _ script: String, grace: Int = 1, volume: String = "{}") -> String {
        """
        apiVersion: v1
        kind: Pod
        metadata: {name: \(name)}
        spec:
          nodeName: node-1
          restartPolicy: Never
          terminationGracePeriodSeconds: \(grace)
          volumes: [{name: data, emptyDir: \(volume)}]
          containers:
          - name: main
            image: busybox:1
            command: [sh, -c, "\(script)"]
            resources: {requests: {cpu: 1m}, limits: {cpu: 200m}}
            volumeMounts: [{name: data, mountPath: /data}]
        """
    }

    private static let arguments = [
        "pod-max-pids=64", "container-log-max-size=1Mi", "container-log-max-files=2",
    ].flatMap { ["--kubelet-arg", $0] }

    @Test func `pods that ignore signals, fork and write without end are kept within bounds, and go`() async throws {
        try await TestNode.with(Self.arguments) { node, server in
            let calm = Self.pod("calm", "exec sleep 100000")
            try await server.must("create", input: calm)
            try await server.must("wait", "--for=condition=Ready", "pod/calm", "--timeout=50s")
            try await server.must("delete", "pod", "calm")
            let before = try await Leftovers.count(on: node)

            // Each ignores what it is asked to do, too.
            let deaf = "trap '' TERM INT HUP QUIT; echo begun; "
            try await server.must("create", input: calm)
            try await server.must("create", input: Self.pod("deaf", deaf + "while :; do sleep 1; done", grace: 3))
            // A shell that cannot fork ends, and has another one go on in its place.
            let bomb = #"trap '' TERM; trap \"exec sh /data/bomb\" EXIT; while :; do sleep 1000 & done"#
            let forks = "cat > /data/bomb <<'.'\\n\(bomb)\\n.\\nexec sh /data/bomb 2>/dev/null"
            try await server.must("create", input: Self.pod("forks", forks))
            let block = "dd if=/dev/zero bs=64k count=8 2>/dev/null"
            let fills = deaf + "while :; do \(block) >> /data/file; sleep 0.2; done"
            try await server.must("create", input: Self.pod("fills", fills, volume: "{sizeLimit: 1Mi}"))
            let line = String(repeating: "word ", count: 40)
            let talks = "trap '' TERM; while :; do echo \(line); echo \(line); echo \(line); done"
            try await server.must("create", input: Self.pod("talks", talks))
            try await server.must("wait", "--for=condition=Ready", "pod/calm", "pod/deaf", "pod/talks", "--timeout=50s")

            let status = "jsonpath={.status.phase} {.status.reason} {.status.message}"
            try await eventually("the one that fills its volume is evicted", within: .seconds(40)) {
                let text = try await server.must("get", "pod", "fills", "-o", status)
                return text.hasPrefix("Failed Evicted Usage of EmptyDir volume \"data\" exceeds the limit \"1Mi\".")
            }
            // The pod's own group has the limit, and is at it.
            let uid = try await server.must("get", "pod", "forks", "-o", "jsonpath={.metadata.uid}")
            let group = "find /sys/fs/cgroup -path '*/\(node.cgroup)/*/pod\(uid)/pids.*'"
            try await eventually("there are as many processes as there may be") {
                try await node.shell("cat $(\(group) -name pids.max) $(\(group) -name pids.current)") == "64\n64\n"
            }
            // Two files, and what is written while a new one is begun.
            try await eventually("the log has been rotated", within: .seconds(40)) {
                try await node.shell("ls /var/log/pods/default_talks_*/main").split(separator: "\n").count >= 2
            }
            // A file that has just been begun has no line yet.
            try await eventually("the last line is read") {
                try await server.kubectl("logs", "talks", "--tail=1").text == line.dropLast() + "\n"
            }
            // Nobody else is harmed.
            #expect(try await server.shell("calm", "echo there").text == "there\n")

            let begun = ContinuousClock.now
            try await server.must("delete", "pod", "deaf", "--timeout=20s")
            #expect(ContinuousClock.now - begun >= .seconds(2.9))
            try await server.must("delete", "pods", "--all", "--timeout=40s")
            try await Leftovers.expectNone(since: before, on: node)
        }
    }

    @Test func `with a read-only disk pods that run run on, others wait and say why, and all goes on by itself`() async throws {
        try await TestNode.with { node, server in
            let sleeping = "exec sleep 100000"
            try await server.must("create", input: Self.pod("before", sleeping))
            try await server.must("create", input: Self.pod("leaves", sleeping))
            try await server.must("wait", "--for=condition=Ready", "pod/before", "pod/leaves", "--timeout=50s")
            // As the kernel does with a disk that fails.
            try await node.shell("mount -o remount,bind,ro /var/lib/kubelet")
            try await server.must("create", input: Self.pod("after", sleeping))
            try await server.must("delete", "pod", "leaves", "--wait=false")
            try await eventually("an event says why") {
                let text = try await server.must("get", "events", "--field-selector", "involvedObject.name=after")
                return text.contains("FailedMount") && text.contains("Read-only file system")
            }
            #expect(try await server.shell("before", "touch /tmp/file && echo there").text == "there\n")
            #expect(try await server.must("get", "pod", "after", "-o", "jsonpath={.status.phase}") == "Pending")
            #expect(try await server.must("get", "node", "node-1").contains(" Ready "))

            try await node.shell("mount -o remount,bind,rw /var/lib/kubelet")
            try await server.must("wait", "--for=condition=Ready", "pod/after", "--timeout=50s")
            try await server.must("wait", "--for=delete", "pod/leaves", "--timeout=50s")
            try await server.must("delete", "pods", "--all")
            #expect(try await node.shell("ls /var/lib/kubelet/pods").isEmpty)
        }
    }
}
