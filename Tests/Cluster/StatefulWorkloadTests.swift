import Host
import Support
import Testing

/// Workloads whose pods have places of their own, on real containers: numbers and volumes, or nodes.
@Suite(.serialized) struct StatefulWorkloadTests {
    private static let peers = """
        apiVersion: v1
        kind: Service
        metadata: {name: peers}
        spec: {clusterIP: None, selector: {app: web}, ports: [{port: 80}]}
        ---
        apiVersion: apps/v1
        kind: StatefulSet
        metadata: {name: web}
        spec:
          replicas: 2
          serviceName: peers
          selector: {matchLabels: {app: web}}
          template:
            metadata: {labels: {app: web}}
            spec:
              terminationGracePeriodSeconds: 1
              containers:
              - name: web
                image: busybox:1
                command: [sh, -c, "echo $(hostname) >> /data/starts; exec sleep 100000"]
                volumeMounts: [{name: data, mountPath: /data}]
          volumeClaimTemplates:
          - metadata: {name: data}
            spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}
        """
    private static let agent = """
        apiVersion: apps/v1
        kind: DaemonSet
        metadata: {name: agent}
        spec:
          selector: {matchLabels: {app: agent}}
          template:
            metadata: {labels: {app: agent}}
            spec:
              terminationGracePeriodSeconds: 1
              containers: [{name: agent, image: "nginx:stable-alpine"}]
        """

    @Test func `a stateful set's pods keep their names and volumes through a rollout`() async throws {
        try await TestNode.with { _, server in
            try await server.must("apply", input: Self.peers)
            try await server.must("rollout", "status", "statefulset/web", "--timeout=90s")
            try await server.must("rollout", "restart", "statefulset/web")
            try await server.must("rollout", "status", "statefulset/web", "--timeout=90s")
            #expect(try await server.shell("web-1", "cat /data/starts").text == "web-1\nweb-1\n")
            #expect(try await server.shell("web-1", "nslookup web-0.peers.default.svc.cluster.local").text.contains("10.42."))
            let history = try await server.must("rollout", "history", "statefulset/web")
            #expect(history.split(separator: "\n").count == 4, "\(history)")
            try await server.must("scale", "statefulset/web", "--replicas=1")
            try await server.must("wait", "--for=delete", "pod/web-1", "--timeout=30s")
            #expect(try await server.must("get", "pvc", "-o", "name").contains("data-web-1"))
        }
    }

    @Test func `a daemon set's pod is on its node, rolls out and back`() async throws {
        try await TestNode.with { _, server in
            try await server.must("apply", input: Self.agent)
            try await server.must("rollout", "status", "daemonset/agent", "--timeout=60s")
            try await server.must("set", "image", "daemonset/agent", "agent=nginx:two")
            try await server.must("rollout", "status", "daemonset/agent", "--timeout=60s")
            try await server.must("rollout", "undo", "daemonset/agent")
            try await server.must("rollout", "status", "daemonset/agent", "--timeout=60s")
            let image = "jsonpath={.items[*].spec.containers[0].image}"
            #expect(try await server.must("get", "pods", "-l", "app=agent", "-o", image) == "nginx:stable-alpine")
            let history = try await server.must("rollout", "history", "daemonset/agent")
            #expect(history.contains("\n2 ") && history.contains("\n3 ") && !history.contains("\n1 "), "\(history)")
        }
    }
}
