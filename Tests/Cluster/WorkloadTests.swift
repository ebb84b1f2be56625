import Host
import Support
import Testing

/// Workloads on real containers: rollouts, restarts, conversations with containers, and what users get wrong.
@Suite(.serialized) struct WorkloadTests {
    private static let web = """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web}
        spec:
          replicas: 3
          selector: {matchLabels: {app: web}}
          template:
            metadata: {labels: {app: web}}
            spec:
              containers:
              - name: web
                image: nginx:stable-alpine
                ports: [{containerPort: 80}]
                readinessProbe: {httpGet: {path: /, port: 80}, periodSeconds: 1}
                lifecycle: {preStop: {sleep: {seconds: 1}}}
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: web}
        spec:
          selector: {app: web}
          ports: [{port: 80}]
        """
    private static let client = """
        apiVersion: v1
        kind: Pod
        metadata: {name: client}
        spec:
          terminationGracePeriodSeconds: 1
          containers:
          - {name: client, image: "busybox:1", command: [sh, -c, "echo begun; exec sleep 100000"]}
        """

    @Test func `a deployment answers by name, and rolls out and back without a failed request`() async throws {
        try await TestNode.with { _, server in
            try await server.must("apply", input: Self.web)
            try await server.must("apply", input: Self.client)
            try await server.must("rollout", "status", "deployment/web", "--timeout=50s")
            try await server.must("wait", "--for=condition=Ready", "pod/client", "--timeout=50s")
            for name in ["web", "web.default", "web.default.svc.cluster.local"] {
                #expect(try await server.shell("client", "timeout 5 wget -qO- http://\(name)").text == "one\n", "\(name)")
            }
            let loop = "n=0; while [ ! -e /tmp/stop ]; do n=$((n+1)); timeout 5 wget -qO- http://web || echo failed; done"
            async let answers = server.shell("client", loop)
            try await server.must("set", "image", "deployment/web", "web=nginx:two")
            try await server.must("rollout", "status", "deployment/web", "--timeout=50s")
            #expect(try await server.shell("client", "timeout 5 wget -qO- http://web").text == "two\n")
            try await server.must("rollout", "undo", "deployment/web")
            try await server.must("rollout", "status", "deployment/web", "--timeout=50s")
            #expect(try await server.shell("client", "timeout 5 wget -qO- http://web").text == "one\n")
            _ = try await server.shell("client", "touch /tmp/stop")
            let lines = try await answers.text.split(separator: "\n")
            #expect(Set(lines) == ["one", "two"], "of \(lines.count) requests")
            #expect(lines.count >= 10)
        }
    }

    @Test(arguments: [Signal.kill, .terminate]) func `a restart of k3s finds its pods as they were`(_ signal: Signal) async throws {
        try await TestNode.with { node, server in
            try await server.must("apply", input: Self.client)
            try await server.must("wait", "--for=condition=Ready", "pod/client", "--timeout=50s")
            let columns = "jsonpath={.status.podIP} {.status.containerStatuses[0].containerID} {.status.containerStatuses[0].restartCount}"
            let before = try await server.must("get", "pod", "client", "-o", columns)
            try await server.stop(signal)
            let again = try await node.start()
            try await again.must("wait", "--for=condition=Ready", "pod/client", "--timeout=20s")
            #expect(try await again.must("get", "pod", "client", "-o", columns) == before)
            #expect(before.hasSuffix(" 0"))
            #expect(try await again.must("logs", "client") == "begun\n")
            #expect(try await again.shell("client", "echo there").text == "there\n")
        }
    }

    @Test func `logs, exec, cp, attach and port-forward work over SPDY and WebSocket`() async throws {
        try await TestNode.with { node, server in
            try await server.must("apply", input: Self.client)
            try await server.must("apply", input: Self.web)
            try await server.must("rollout", "status", "deployment/web", "--timeout=50s")
            try await server.must("wait", "--for=condition=Ready", "pod/client", "--timeout=50s")
            #expect(try await server.must("logs", "client", "--timestamps").contains("Z begun\n"))
            for isWebSocket in ["true", "false"] {
                let environment = [
                    "KUBECTL_REMOTE_COMMAND_WEBSOCKETS": isWebSocket, "KUBECTL_PORT_FORWARD_WEBSOCKETS": isWebSocket,
                ]
                let failed = try await server.kubectl(
                    ["exec", "client", "--", "sh", "-c", "echo out; echo err >&2; exit 3"], environment: environment)
                #expect(failed.status == .exited(3))
                #expect(failed.text == "out\n")
                #expect(failed.errorText.hasPrefix("err\n"))
                try Files.write(Array(String(repeating: "0123456789abcdef", count: 1 << 16).utf8), to: node.folder + "/large")
                let copied = try await server.kubectl(["cp", node.folder + "/large", "client:/tmp/large"], environment: environment)
                #expect(copied.status.isSuccess, "\(copied.errorText)")
                let back = try await server.kubectl(["cp", "client:/tmp/large", node.folder + "/back"], environment: environment)
                #expect(back.status.isSuccess, "\(back.errorText)")
                #expect(try Files.read(node.folder + "/back") == Files.read(node.folder + "/large"))
                try await forward(node, environment)
            }
        }
    }

    /// Asks the web server through a forwarded port.
    private func forward(_ node: TestNode, _ environment: [String: String]) async throws {
        let script = """
            timeout 20 kubectl port-forward deployment/web 8080:80 >/dev/null 2>\(node.folder)/forward &
            for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
                curl -sf http://127.0.0.1:8080/ && break; sleep 0.2; done
            kill $!
            """
        let variables = environment.merging(["KUBECONFIG": "/etc/rancher/k3s/k3s.yaml"]) { $1 }
        let outcome = try await node.command("/bin/sh", ["-c", script], environment: variables).run()
        let said = (try? Files.readText(node.folder + "/forward")) ?? ""
        #expect(outcome.text == "one\n", "\(outcome.errorText) \(said)")
    }

    @Test func `configuration reaches containers, init containers come first, and limits are the kernel's`() async throws {
        try await TestNode.with { _, server in
            try await server.must("create", "configmap", "settings", "--from-literal=colour=green")
            try await server.must("create", "secret", "generic", "key", "--from-literal=password=open")
            try await server.must("apply", input: """
                apiVersion: v1
                kind: Pod
                metadata: {name: settled, labels: {tier: back}}
                spec:
                  restartPolicy: Never
                  initContainers:
                  - {name: first, image: "busybox:1", command: [sh, -c, "echo first > /shared/order"], volumeMounts: [{name: shared, mountPath: /shared}]}
                  containers:
                  - name: main
                    image: busybox:1
                    command: [sh, -c, "cat /shared/order /config/colour /secret/password /labels/labels; echo; echo $(COLOUR) $(NODE); ls /var/run/secrets/kubernetes.io/serviceaccount; id -u"]
                    securityContext: {runAsUser: 1234}
                    resources: {limits: {memory: 64Mi, cpu: 500m}}
                    env:
                    - {name: COLOUR, valueFrom: {configMapKeyRef: {name: settings, key: colour}}}
                    - {name: NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}
                    volumeMounts:
                    - {name: shared, mountPath: /shared}
                    - {name: config, mountPath: /config}
                    - {name: secret, mountPath: /secret}
                    - {name: labels, mountPath: /labels}
                  volumes:
                  - {name: shared, emptyDir: {}}
                  - {name: config, configMap: {name: settings}}
                  - {name: secret, secret: {secretName: key}}
                  - {name: labels, downwardAPI: {items: [{path: labels, fieldRef: {fieldPath: metadata.labels}}]}}
                """)
            try await server.must("wait", "--for=jsonpath={.status.phase}=Succeeded", "pod/settled", "--timeout=50s")
            let said = try await server.must("logs", "settled")
            #expect(said == "first\ngreenopentier=\"back\"\ngreen node-1\nca.crt\nnamespace\ntoken\n1234\n")
        }
    }

    @Test func `what a busy container uses is told, as kubectl top shows it`() async throws {
        try await TestNode.with { _, server in
            try await server.must("apply", input: """
                apiVersion: v1
                kind: Pod
                metadata: {name: busy, labels: {app: busy}}
                spec:
                  terminationGracePeriodSeconds: 1
                  containers:
                  - name: loop
                    image: busybox:1
                    command: [sh, -c, "while true; do :; done"]
                    resources: {limits: {cpu: 200m}}
                """)
            try await server.must("wait", "--for=condition=Ready", "pod/busy", "--timeout=50s")
            // NAME CPU(cores) MEMORY(bytes)
            let pod = try await server.must("top", "pods", "-l", "app=busy", "--no-headers").split(separator: " ")
            let cores = try #require(Int(pod[1].dropLast()), "\(pod)")
            #expect(pod[0] == "busy" && (100...300).contains(cores), "\(pod)")
            // NAME CPU(cores) CPU% MEMORY(bytes) MEMORY%
            let node = try await server.must("top", "nodes", "--no-headers").split(separator: " ")
            #expect(node[0] == "node-1" && (Int(node[1].dropLast()) ?? 0) > 100 && node[3].hasSuffix("Mi"), "\(node)")
            let raw = try await server.must("get", "--raw", "/apis/metrics.k8s.io/v1beta1/namespaces/default/pods/busy")
            #expect(raw.contains("\"kind\":\"PodMetrics\"") && raw.contains("\"name\":\"loop\""), "\(raw)")
            for path in ["resource", "cadvisor"] {
                let metrics = try await server.must("get", "--raw", "/api/v1/nodes/node-1/proxy/metrics/\(path)")
                let used = metrics.split(separator: "\n").first {
                    $0.hasPrefix("container_cpu_usage_seconds_total") && $0.contains("pod=\"busy\"")
                }
                #expect(used.flatMap { Double($0.split(separator: " ")[1]) } ?? 0 > 0.1, "\(path): \(metrics)")
            }
        }
    }

    @Test func `a busy deployment gets more pods from its autoscaler`() async throws {
        try await TestNode.with { _, server in
            try await server.must("apply", input: """
                apiVersion: apps/v1
                kind: Deployment
                metadata: {name: busy}
                spec:
                  selector: {matchLabels: {app: busy}}
                  template:
                    metadata: {labels: {app: busy}}
                    spec:
                      terminationGracePeriodSeconds: 1
                      containers:
                      - name: loop
                        image: busybox:1
                        command: [sh, -c, "while true; do :; done"]
                        resources: {requests: {cpu: 50m}, limits: {cpu: 100m}}
                """)
            try await server.must("autoscale", "deployment/busy", "--max=2", "--cpu-percent=50")
            try await server.must("wait", "--for=jsonpath={.spec.replicas}=2", "deployment/busy", "--timeout=100s")
            try await server.must("wait", "--for=condition=AbleToScale", "hpa/busy", "--timeout=20s")
        }
    }

    @Test func `a container that fails is started again, and an image that is not there is told`() async throws {
        try await TestNode.with { _, server in
            try await server.must("run", "unlucky", "--image=busybox:1", "--", "sh", "-c", "echo try; exit 7")
            try await server.must("run", "nowhere", "--image=registry.invalid/none:1")
            try await server.must("run", "missing", "--image=nginx:none")
            try await eventually("a second try") {
                let count = "jsonpath={.status.containerStatuses[0].restartCount}"
                return Int(try await server.must("get", "pod", "unlucky", "-o", count)) ?? 0 >= 1
            }
            #expect(try await server.must("logs", "unlucky", "--previous") == "try\n")
            let reason = "jsonpath={.status.containerStatuses[0].lastState.terminated.exitCode}"
            #expect(try await server.must("get", "pod", "unlucky", "-o", reason) == "7")
            for name in ["nowhere", "missing"] {
                try await eventually("\(name) says why it waits") {
                    let waiting = "jsonpath={.status.containerStatuses[0].state.waiting.reason}"
                    return ["ErrImagePull", "ImagePullBackOff"].contains(
                        try await server.must("get", "pod", name, "-o", waiting))
                }
            }
            #expect(try await server.must("get", "events").contains("Failed to pull image"))
        }
    }

    @Test func `jobs run to their ends, alone and by the clock`() async throws {
        try await TestNode.with { _, server in
            try await server.must("apply", input: """
                apiVersion: batch/v1
                kind: Job
                metadata: {name: count}
                spec:
                  completionMode: Indexed
                  completions: 3
                  parallelism: 2
                  ttlSecondsAfterFinished: 5
                  template:
                    spec:
                      restartPolicy: Never
                      terminationGracePeriodSeconds: 1
                      containers:
                      - {name: main, image: "busybox:1", command: [sh, -c, "echo index $JOB_COMPLETION_INDEX on $(hostname)"]}
                ---
                apiVersion: batch/v1
                kind: CronJob
                metadata: {name: tick}
                spec:
                  schedule: "@every 5s"
                  timeZone: Europe/Rome
                  jobTemplate:
                    spec:
                      template:
                        spec:
                          restartPolicy: OnFailure
                          containers: [{name: main, image: "busybox:1", command: ["true"]}]
                """)
            try await server.must("wait", "--for=condition=Complete", "job/count", "--timeout=50s")
            let told = "jsonpath={.status.succeeded} {.status.completedIndexes} {.status.failed}"
            #expect(try await server.must("get", "job", "count", "-o", told) == "3 0-2 ")
            let label = "batch.kubernetes.io/job-completion-index=1"
            #expect(try await server.must("logs", "-l", label) == "index 1 on count-1\n")
            try await server.must("wait", "--for=delete", "job/count", "--timeout=30s")
            try await eventually("the pods of the job go with it") {
                try await server.must("get", "pods", "-l", "batch.kubernetes.io/job-name=count", "-o", "name").isEmpty
            }
            try await eventually("a job by the clock has ended") {
                !(try await server.must("get", "cronjob", "tick", "-o", "jsonpath={.status.lastSuccessfulTime}").isEmpty)
            }
        }
    }
}
