import Host
import Support
import Testing

/// Pods that get other resources while they run.
@Suite(.serialized) struct ResizeTests {
    private static let pod = """
        apiVersion: v1
        kind: Pod
        metadata:
          name: resized
          namespace: default
        spec:
          containers:
          - name: main
            image: nginx:stable-alpine
            imagePullPolicy: IfNotPresent
            resources:
              requests: {cpu: 100m, memory: 64Mi}
              limits: {cpu: 100m, memory: 64Mi}
        """
    private static let change = """
        {"spec":{"containers":[{"name":"main","resources":{\
        "requests":{"cpu":"200m","memory":"96Mi"},"limits":{"cpu":"200m","memory":"96Mi"}}}]}}
        """

    private static let whole = """
        apiVersion: v1
        kind: Pod
        metadata:
          name: whole
          namespace: default
        spec:
          resources:
            requests: {cpu: 100m, memory: 64Mi}
            limits: {cpu: 100m, memory: 64Mi}
          containers:
          - name: main
            image: nginx:stable-alpine
            imagePullPolicy: IfNotPresent
        """
    private static let wholeChange = """
        {"spec":{"resources":{\
        "requests":{"cpu":"200m","memory":"96Mi"},"limits":{"cpu":"200m","memory":"96Mi"}}}}
        """

    @Test func `the kernel has a running container's new limits, and nothing restarts`() async throws {
        try await TestNode.with { _, server in
            try await server.must("create", input: Self.pod)
            try await server.must("wait", "--for=condition=Ready", "pod/resized", "--timeout=50s")
            try await server.must(
                "patch", "pod", "resized", "--subresource", "resize", "--patch", Self.change)
            // The file of cgroup v1, or that of v2.
            let limit = "cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null; true"
            try await eventually("the kernel has the new limit") {
                try await server.shell("resized", limit).text == "100663296\n"
            }
            let container = ".status.containerStatuses[0]"
            let path = "{\(container).resources.limits.memory} {\(container).restartCount} {.status.conditions[*].type}"
            try await eventually("the status says so") {
                let text = try await server.must("get", "pod", "resized", "-o", "jsonpath=" + path)
                return text.hasPrefix("96Mi 0 ") && !text.contains("PodResize")
            }
            try await server.must("delete", "pod", "resized")

            // The same of a pod that has resources itself: its container sees the pod's limit.
            try await server.must("create", input: Self.whole)
            try await server.must("wait", "--for=condition=Ready", "pod/whole", "--timeout=50s")
            #expect(try await server.shell("whole", limit).text == "67108864\n")
            try await server.must("patch", "pod", "whole", "--subresource", "resize", "--patch", Self.wholeChange)
            try await eventually("the kernel has the pod's new limit") {
                try await server.shell("whole", limit).text == "100663296\n"
            }
            let amounts = "{.status.resources.limits.memory} {.status.allocatedResources.memory} "
            try await eventually("the status says so of the pod") {
                let text = try await server.must(
                    "get", "pod", "whole", "-o", "jsonpath=" + amounts + "{.status.conditions[*].type}")
                return text.hasPrefix("96Mi 96Mi ") && !text.contains("PodResize")
            }
            try await server.must("delete", "pod", "whole")
        }
    }
}
