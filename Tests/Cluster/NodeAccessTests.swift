import APIMachinery
import Host
import Support
import Testing

/// Who may ask a node what on its own port, and what monitoring finds there.
@Suite(.serialized) struct NodeAccessTests {
    private static let pod = """
        apiVersion: v1
        kind: Pod
        metadata: {name: web}
        spec:
          nodeName: node-1
          terminationGracePeriodSeconds: 1
          volumes: [{name: disk, emptyDir: {}}]
          containers:
          - name: main
            image: busybox:1
            command: [sh, -c, "echo hello; dd if=/dev/zero of=/disk/f bs=1k count=300; while sleep 0.1; do :; done"]
            readinessProbe: {exec: {command: [cat, /disk/f]}, periodSeconds: 1}
            livenessProbe: {exec: {command: [cat, /nothing]}, periodSeconds: 1, failureThreshold: 1000}
            resources: {limits: {cpu: 100m, memory: 32Mi}}
            volumeMounts: [{name: disk, mountPath: /disk}]
        """

    /// Paths, by the right that each takes beside `nodes/proxy`, which a coarse right gives as well where it says so.
    private static let paths: [(path: String, right: String, isCoarse: Bool, words: String)] = [
        ("healthz", "healthz", true, "ok"), ("configz", "configz", true, "kubeletconfig"),
        ("flagz", "configz", true, "kubelet flagz"), ("statusz", "statusz", true, "kubelet statusz"),
        ("pods", "pods", true, "PodList"), ("runningpods/", "pods", true, "PodList"),
        ("stats/summary", "stats", false, "podRef"), ("metrics", "metrics", false, "kubelet_running_pods"),
        ("metrics/resource", "metrics", false, "node_cpu_usage"), ("metrics/cadvisor", "metrics", false, "machine_cpu"),
        ("metrics/probes", "metrics", false, "prober_probe_total"), ("logs/", "log", false, "pods/"),
        ("containerLogs/default/web/main", "proxy", false, "hello"),
    ]

    private struct Asker {
        let node: TestNode
        let token: String

        /// What the node answers, and the code behind it.
        func ask(_ path: String, _ more: String = "") async throws -> String {
            let header = token.isEmpty ? "" : "-H 'Authorization: Bearer \(token)'"
            return try await node.shell("curl -sk -m 20 -w ' %{http_code}' \(header) \(more) 'https://127.0.0.1:10250/\(path)'")
        }
    }

    /// Somebody who has rights to some of what a node answers, and to nothing else.
    private static func asker(
        _ name: String, _ rights: [String], _ node: TestNode, _ server: TestNode.Server
    ) async throws -> Asker {
        try await server.must("create", "serviceaccount", name)
        if !rights.isEmpty {
            let list = rights.map { "nodes/" + $0 }.joined(separator: ",")
            try await server.must("create", "clusterrole", name, "--verb=get,create", "--resource=\(list)")
            try await server.must("create", "clusterrolebinding", name, "--clusterrole=\(name)", "--serviceaccount=default:\(name)")
        }
        let token = try await server.must("create", "token", name)
        return Asker(node: node, token: String(token.filter { $0 != "\n" }))
    }

    @Test func `a node answers whom the cluster lets ask, by path, and tells monitoring what it looks for`() async throws {
        try await TestNode.with { node, server in
            try await server.must("create", input: Self.pod)
            try await server.must("wait", "--for=condition=Ready", "pod/web", "--timeout=50s")
            for token in ["", "nonsense"] {
                for path in ["healthz", "pods", "metrics", "nowhere"] {
                    #expect(try await Asker(node: node, token: token).ask(path) == "Unauthorized 401", "\(path)")
                }
            }
            try await expectRights(node, server)
            try await expectCommands(node, server)
            try await expectSummary(server)
            try await expectMetrics(server)
        }
    }

    // MARK: Rights

    private func expectRights(_ node: TestNode, _ server: TestNode.Server) async throws {
        let nobody = try await Self.asker("nobody", [], node, server)
        let proxy = try await Self.asker("coarse", ["proxy"], node, server)
        var fine: [String: Asker] = [:]
        for right in Set(Self.paths.map(\.right)) where right != "proxy" {
            fine[right] = try await Self.asker(right, [right], node, server)
        }
        for (path, right, isCoarse, words) in Self.paths {
            func refusal(_ user: String) -> String {
                let names = isCoarse ? right + " proxy" : right
                let who = "user=system:serviceaccount:default:\(user)"
                return "Forbidden (\(who), verb=get, resource=nodes, subresource(s)=[\(names)]) 403"
            }
            #expect(try await nobody.ask(path) == refusal("nobody"))
            let coarse = try await proxy.ask(path)
            if isCoarse || right == "proxy" {
                #expect(coarse.contains(words) && coarse.hasSuffix(" 200"), "\(path): \(coarse.suffix(200))")
            } else {
                #expect(coarse == refusal("coarse"))
            }
            for (name, asker) in fine {
                let answer = try await asker.ask(path)
                if name == right {
                    #expect(answer.contains(words) && answer.hasSuffix(" 200"), "\(path): \(answer.suffix(200))")
                } else {
                    #expect(answer == refusal(name), "\(name)")
                }
            }
        }
        #expect(try await proxy.ask("nowhere") == "404 page not found 404")
        #expect(try await proxy.ask("containerLogs/default/web/other").hasSuffix(" 404"))
        #expect(try await proxy.ask("containerLogs/default/other/main").hasSuffix(" 404"))
    }

    /// Commands take the right to create, and a checkpoint one of its own.
    private func expectCommands(_ node: TestNode, _ server: TestNode.Server) async throws {
        try await server.must("create", "serviceaccount", "reader")
        try await server.must("create", "clusterrole", "reader", "--verb=get", "--resource=nodes/proxy,nodes/checkpoint")
        try await server.must("create", "clusterrolebinding", "reader", "--clusterrole=reader", "--serviceaccount=default:reader")
        let token = try await server.must("create", "token", "reader")
        let reader = Asker(node: node, token: String(token.filter { $0 != "\n" }))
        let all = try await Self.asker("all", ["proxy", "checkpoint"], node, server)
        for (path, right) in [
            ("run/default/web/main?cmd=echo%20here", "proxy"), ("exec/default/web/main?command=true&output=1", "proxy"),
            ("checkpoint/default/web/main", "checkpoint"),
        ] {
            let answer = try await reader.ask(path, "-X POST")
            #expect(answer.hasSuffix("verb=create, resource=nodes, subresource(s)=[\(right)]) 403"), "\(answer)")
        }
        #expect(try await all.ask("run/default/web/main?cmd=echo%20here", "-X POST") == "here\n 200")
        // A command without an upgraded connection has nowhere to speak.
        #expect(try await all.ask("exec/default/web/main?command=true&output=1", "-X POST").hasSuffix(" 400"))
        #expect(try await all.ask("checkpoint/default/web/none", "-X POST") == "container none does not exist 404")
        #expect(try await all.ask("pods", "-X DELETE").hasSuffix(" 403"))
    }

    // MARK: Figures

    private func expectSummary(_ server: TestNode.Server) async throws {
        let text = try await server.must("get", "--raw", "/api/v1/nodes/node-1/proxy/stats/summary")
        let summary = try Value(json: Array(text.utf8))
        let node = try #require(summary["node"])
        let memory = try #require(node["memory"])
        #expect((memory["availableBytes"]?.integer ?? 0) + (memory["workingSetBytes"]?.integer ?? 0) == Machine.totalMemory)
        #expect(node["rlimit"]?["curproc"]?.integer ?? 0 > 10)
        let group = node["systemContainers"]?.array?.first { $0["name"] == "pods" }
        #expect(group?["memory"]?["workingSetBytes"]?.integer ?? 0 > 0)
        let pod = try #require(summary["pods"]?.array?.first)
        #expect(pod["podRef"]?["name"] == "web" && pod["process_stats"]?["process_count"]?.integer ?? 0 >= 2)
        let container = try #require(pod["containers"]?.array?.first)
        #expect(container["logs"]?["usedBytes"]?.integer ?? 0 > 0)
        let volume = try #require(pod["volume"]?.array?.first)
        #expect(volume["name"] == "disk" && (300 << 10...400 << 10).contains(volume["usedBytes"]?.integer ?? 0))
        #expect(pod["ephemeral-storage"]?["usedBytes"]?.integer ?? 0 > 300 << 10)
        let cpuAndMemory = try await server.must(
            "get", "--raw", "/api/v1/nodes/node-1/proxy/stats/summary?only_cpu_and_memory=true")
        #expect(cpuAndMemory.contains("workingSetBytes") && !cpuAndMemory.contains("usedBytes"))
    }

    /// What the dashboards and alerts of kubernetes-mixin, and older ones, ask for.
    private func expectMetrics(_ server: TestNode.Server) async throws {
        func samples(_ path: String) async throws -> [String] {
            let text = try await server.must("get", "--raw", "/api/v1/nodes/node-1/proxy/" + path)
            return text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map(String.init)
        }
        let cadvisor = try await samples("metrics/cadvisor")
        let container = [
            "cpu_usage_seconds_total", "cpu_user_seconds_total", "cpu_system_seconds_total", "cpu_cfs_periods_total",
            "cpu_cfs_throttled_periods_total", "cpu_cfs_throttled_seconds_total", "memory_working_set_bytes", "memory_rss",
            "memory_cache", "memory_usage_bytes", "memory_max_usage_bytes", "memory_failures_total", "memory_mapped_file",
            "start_time_seconds", "last_seen", "spec_cpu_quota", "spec_cpu_period", "spec_cpu_shares", "spec_memory_limit_bytes",
            "fs_usage_bytes", "oom_events_total", "threads",
        ]
        for name in container {
            let found = cadvisor.contains {
                $0.hasPrefix("container_\(name){") && $0.contains(#"container="main""#) && $0.contains(#"namespace="default""#)
                    && $0.contains(#"pod="web""#) && $0.contains(#"image="docker.io/library/busybox:1""#)
            }
            #expect(found, "container_\(name)")
        }
        for way in ["receive", "transmit"] {
            for what in ["bytes", "packets", "packets_dropped", "errors"] {
                let name = "container_network_\(way)_\(what)_total{"
                #expect(cadvisor.contains { $0.hasPrefix(name) && $0.contains(#"interface="eth0""#) && $0.contains(#"pod="web""#) })
            }
        }
        for id in ["/", "/kubepods"] {
            #expect(cadvisor.contains { $0.hasPrefix("container_memory_working_set_bytes{") && $0.contains("id=\"\(id)\"") })
        }
        #expect(cadvisor.contains { $0.hasPrefix("machine_memory_bytes ") } && cadvisor.contains { $0.hasPrefix("machine_cpu_cores ") })
        let own = try await samples("metrics")
        for name in ["kubelet_node_name{", "kubelet_running_pods 1", "process_resident_memory_bytes ", "process_cpu_seconds_total "] {
            #expect(own.contains { $0.hasPrefix(name) }, "\(name)")
        }
        let probes = try await samples("metrics/probes")
        for (kind, result) in [("Liveness", "failed"), ("Readiness", "successful")] {
            let words = [#"container="main""#, #"pod="web""#, #"probe_type="\#(kind)""#, #"result="\#(result)""#]
            #expect(probes.contains { line in words.allSatisfy(line.contains) }, "\(kind): \(probes)")
        }
        #expect(probes.contains { $0.hasPrefix("prober_probe_duration_seconds_count{") })
        // NAME CPU(cores) CPU% MEMORY(bytes) MEMORY%
        let top = try await server.must("top", "pods", "--containers", "--no-headers").split(separator: " ")
        #expect(top.prefix(2) == ["web", "main"], "\(top)")
    }
}

extension Machine {
    fileprivate static var totalMemory: Int64 { (try? memory().total.bytes) ?? 0 }
}
