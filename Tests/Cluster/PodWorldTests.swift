import Host
import Support
import Testing

/// What a container sees of itself and its node: names, namespaces, users, rights, on real containers.
@Suite(.serialized) struct PodWorldTests {
    /// Says what it sees, and ends.
    private static func pod(_ name: String, _ script: String, container: String = "", _ more: String...) -> String {
        """
        apiVersion: v1
        kind: Pod
        metadata: {name: \(name)}
        spec:
          nodeName: node-1
          restartPolicy: Never
          terminationGracePeriodSeconds: 1
        \(more.map { "  " + $0 }.joined(separator: "\n"))
          containers:
          - name: main
            image: busybox:1
            command: [sh, -c, "\(script)"]
            \(container)
        """
    }

    private static func said(_ pod: String, _ server: TestNode.Server) async throws -> String {
        try await server.must("wait", "--for=jsonpath={.status.phase}=Succeeded", "pod/\(pod)", "--timeout=50s")
        return try await server.must("logs", pod, "-c", "main")
    }

    @Test func `pods have the names, resolvers and namespaces that they ask for`() async throws {
        try await TestNode.with { node, server in
            try await server.must("create", "service", "clusterip", "family", "--clusterip=None")
            let named = "hostname: eldest\n  subdomain: family"
            try await server.must(
                "create",
                input: Self.pod(
                    "named", "hostname; grep -e eldest -e lamp.example /etc/hosts", named,
                    #"hostAliases: [{ip: 192.0.2.7, hostnames: [lamp.example, oil.example]}]"#))
            try await server.must("create", input: Self.pod("whole", "hostname", named + "\n  setHostnameAsFQDN: true"))
            let resolver = "dnsConfig: {nameservers: [192.0.2.53], searches: [example.com], options: [{name: ndots, value: '3'}]}"
            try await server.must("create", input: Self.pod("none", "cat /etc/resolv.conf", "dnsPolicy: None", resolver))
            try await server.must("create", input: Self.pod("first", "cat /etc/resolv.conf", resolver))
            try await server.must("create", input: Self.pod("node", "cat /etc/resolv.conf", "dnsPolicy: Default"))
            let spaces = "for space in net ipc pid uts; do busybox readlink /proc/self/ns/$space; done; hostname"
            let host = "hostNetwork: true\n  hostPID: true\n  hostIPC: true"
            try await server.must("create", input: Self.pod("host", spaces, host))
            try await server.must("create", input: Self.pod("own", spaces))
            let other = """
                shareProcessNamespace: true
                  initContainers: [{name: beside, image: "busybox:1", restartPolicy: Always, command: [sleep, "54321"]}]
                """
            try await server.must("create", input: Self.pod("shared", "sleep 1; ps", other))

            let names = try await Self.said("named", server).split(separator: "\n")
            #expect(names.first == "eldest")
            #expect(names.contains { $0.hasSuffix("\teldest.family.default.svc.cluster.local\teldest") }, "\(names)")
            #expect(names.last == "192.0.2.7\tlamp.example\toil.example")
            #expect(try await Self.said("whole", server) == "eldest.family.default.svc.cluster.local\n")
            #expect(try await Self.said("none", server) == "search example.com\nnameserver 192.0.2.53\noptions ndots:3\n")
            let first = try await Self.said("first", server)
            #expect(first.contains("default.svc.cluster.local svc.cluster.local cluster.local"), "\(first)")
            #expect(first.contains("nameserver 10.43.0.10\nnameserver 192.0.2.53\noptions ndots:3\n"), "\(first)")
            let servers = try await node.shell("grep ^nameserver /etc/resolv.conf || true")
            let inherited = try await Self.said("node", server).split(separator: "\n").filter { $0.hasPrefix("nameserver") }
            #expect(inherited == Array(servers.split(separator: "\n").prefix(3)))

            let ofNode = try await node.shell("for space in net ipc pid; do readlink /proc/1/ns/$space; done")
                .split(separator: "\n")
            let ofHost = try await Self.said("host", server).split(separator: "\n")
            let own = try await Self.said("own", server).split(separator: "\n")
            // The node has no name of its own: it is the machine's.
            #expect(Array(ofHost.prefix(3)) == ofNode)
            #expect(Set(own.prefix(3)).isDisjoint(with: ofNode) && own.last == "own")
            let processes = try await Self.said("shared", server)
            #expect(processes.contains("sleep 54321") && processes.contains("pause"), "\(processes)")
        }
    }

    @Test func `containers have the users, rights and limits that they ask for, and no others`() async throws {
        try await TestNode.with { node, server in
            // A profile of the node's own.
            let profile = #"{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO"}]}"#
            try Files.makeDirectory(node.folder + "/var/lib/kubelet/seccomp")
            try Files.write(profile, to: node.folder + "/var/lib/kubelet/seccomp/flat.json")
            let rights = "grep -e CapEff -e NoNewPrivs -e Seccomp: /proc/self/status | tr -d '\\\\t'"
            let confined = "securityContext: {runAsUser: 1000, runAsGroup: 2000, fsGroup: 3000, supplementalGroups: [4000]}"
            try await server.must(
                "create",
                input: Self.pod(
                    "confined", "id; \(rights); touch /data/x; ls -ln /data/x | busybox awk '{print $3, $4}'; touch /x 2>/dev/null || echo kept",
                    container: """
                        securityContext: {readOnlyRootFilesystem: true, allowPrivilegeEscalation: false, \
                        capabilities: {drop: [ALL]}, seccompProfile: {type: RuntimeDefault}}
                            volumeMounts: [{name: data, mountPath: /data}]
                        """, confined, "volumes: [{name: data, emptyDir: {}}]"))
            try await server.must("create", input: Self.pod("plain", "\(rights); ip addr add 192.0.2.1/32 dev lo 2>/dev/null || echo kept"))
            try await server.must(
                "create",
                input: Self.pod(
                    "able", "ip addr add 192.0.2.1/32 dev lo && echo added",
                    container: "securityContext: {capabilities: {add: [NET_ADMIN]}}"))
            try await server.must(
                "create",
                input: Self.pod(
                    "privileged", "\(rights); ls /dev/loop-control; echo 1 > /proc/sys/net/ipv4/ip_forward && echo written",
                    container: "securityContext: {privileged: true}"))
            try await server.must(
                "create",
                input: Self.pod(
                    "flat", "mkdir /tmp/x 2>/dev/null || echo kept",
                    container: "securityContext: {seccompProfile: {type: Localhost, localhostProfile: flat.json}}"))
            let range = #"securityContext: {sysctls: [{name: net.ipv4.ip_local_port_range, value: "40000 40100"}]}"#
            try await server.must("create", input: Self.pod("tuned", "cat /proc/sys/net/ipv4/ip_local_port_range", range))
            try await server.must(
                "create", input: Self.pod("unsafe", "true", #"securityContext: {sysctls: [{name: kernel.msgmax, value: "1"}]}"#))
            try await server.must("create", input: Self.pod("root", "true", "securityContext: {runAsNonRoot: true}"))

            let text = try await Self.said("confined", server).split(separator: "\n").map(String.init)
            #expect(text.first == "uid=1000 gid=2000 groups=2000,3000,4000" || text.first == "uid=1000 gid=2000 groups=3000,4000,2000", "\(text)")
            #expect(text.dropFirst() == ["CapEff:0000000000000000", "NoNewPrivs:1", "Seccomp:2", "1000 3000", "kept"], "\(text)")
            // As containerd gives them.
            #expect(try await Self.said("plain", server) == "CapEff:00000000a80425fb\nNoNewPrivs:0\nSeccomp:0\nkept\n")
            #expect(try await Self.said("able", server) == "added\n")
            let all = try await Self.said("privileged", server)
            #expect(all.hasPrefix("CapEff:000001ff") && all.hasSuffix("Seccomp:0\n/dev/loop-control\nwritten\n"), "\(all)")
            #expect(try await Self.said("flat", server) == "kept\n")
            #expect(try await Self.said("tuned", server) == "40000\t40100\n")
            let reason = "jsonpath={.status.phase} {.status.reason}"
            try await eventually("the node refuses it") {
                try await server.must("get", "pod", "unsafe", "-o", reason) == "Failed SysctlForbidden"
            }
            let waiting = "jsonpath={.status.containerStatuses[0].state.waiting.reason} {.status.containerStatuses[0].state.waiting.message}"
            try await eventually("it does not run as root") {
                try await server.must("get", "pod", "root", "-o", waiting)
                    .hasPrefix("CreateContainerConfigError container has runAsNonRoot and image will run as root")
            }
        }
    }

    @Test func `a runtime class brings its overhead, and one that the node has not is told`() async throws {
        try await TestNode.with { node, server in
            try await server.must(
                "create",
                input: """
                    apiVersion: node.k8s.io/v1
                    kind: RuntimeClass
                    metadata: {name: heavy}
                    handler: runc
                    overhead: {podFixed: {memory: 10Mi}}
                    ---
                    apiVersion: node.k8s.io/v1
                    kind: RuntimeClass
                    metadata: {name: strange}
                    handler: strange
                    """)
            try await eventually("there is the service account") {
                try await server.kubectl("get", "serviceaccount", "default").status.isSuccess
            }
            let limits = "resources: {limits: {memory: 20Mi, cpu: 100m}}"
            try await server.must("create", input: Self.pod("heavy", "sleep 10000", container: limits, "runtimeClassName: heavy"))
            try await server.must("create", input: Self.pod("strange", "true", "runtimeClassName: strange"))
            try await server.must("wait", "--for=condition=Ready", "pod/heavy", "--timeout=50s")
            let uid = try await server.must("get", "pod", "heavy", "-o", "jsonpath={.metadata.uid}")
            let files = "\\( -name memory.limit_in_bytes -o -name memory.max \\)"
            let limit = "cat $(find /sys/fs/cgroup -path '*/\(node.cgroup)/*/pod\(uid)/memory*' \(files))"
            #expect(try await node.shell(limit) == "\(30 << 20)\n")
            try await eventually("it is told that there is no such runtime") {
                try await server.must("get", "events", "--field-selector", "involvedObject.name=strange")
                    .contains("no runtime for \"strange\" is configured")
            }
        }
    }
}
