import Host
import Support
import Testing

/// What a node does not give, on real containers.
@Suite(.serialized) struct NodeLimitsTests {
    private static func pod(_ name: String, _ script: String, _ resources: String, volume: String = "{}") -> String {
        """
        apiVersion: v1
        kind: Pod
        metadata: {name: \(name)}
        spec:
          nodeName: node-1
          restartPolicy: Never
          terminationGracePeriodSeconds: 1
          volumes: [{name: data, emptyDir: \(volume)}]
          containers:
          - name: main
            image: busybox:1
            command: [sh, -c, "\(script); exec sleep 100000"]
            resources: \(resources)
            volumeMounts: [{name: data, mountPath: /data}]
        """
    }

    @Test func `pods that take more than there is, or than they may, fail with the reason`() async throws {
        let arguments = ["--kubelet-arg", "system-reserved=cpu=100m", "--kubelet-arg", "max-pods=20"]
        try await TestNode.with(arguments) { _, server in
            let allocatable = "jsonpath={.status.capacity.pods} {.status.allocatable.cpu}"
            let text = try await server.must("get", "node", "node-1", "-o", allocatable)
            #expect(text.hasPrefix("20 ") && text.hasSuffix("900m"), "\(text)")

            try await server.must("create", input: Self.pod("large", "true", "{requests: {cpu: 900}}"))
            let fill = "dd if=/dev/zero of=/data/file bs=1k count=400"
            try await server.must("create", input: Self.pod("volume", fill, "{}", volume: "{sizeLimit: 100Ki}"))
            try await server.must(
                "create", input: Self.pod("container", "dd if=/dev/zero of=/file bs=1k count=4000",
                    "{limits: {ephemeral-storage: 1Mi}}"))
            try await server.must("create", input: Self.pod("good", fill, "{limits: {ephemeral-storage: 100Mi}}"))
            for (name, reason, words) in [
                ("large", "OutOfcpu", "Pod was rejected: Node didn't have enough resource: cpu, requested: 900000"),
                ("volume", "Evicted", "Usage of EmptyDir volume \"data\" exceeds the limit \"100Ki\"."),
                ("container", "Evicted", "Pod ephemeral local storage usage exceeds the total limit of containers 1Mi."),
            ] {
                let status = "jsonpath={.status.phase} {.status.reason} {.status.message}"
                try await eventually("the pod \(name) fails", within: .seconds(60)) {
                    try await server.kubectl("get", "pod", name, "-o", status).text.hasPrefix("Failed \(reason) \(words)")
                }
            }
            #expect(try await server.must("get", "pod", "good", "-o", "jsonpath={.status.phase}") == "Running")
        }
    }
}
