import Host
import Support
import Testing

/// What a node is told when it starts, what it says of itself, and the tokens of its pods.
@Suite(.serialized) struct NodeSettingsTests {
    private static let arguments = [
        "--node-label", "example.com/room=cellar", "--node-taint", "example.com/dark=yes:NoSchedule",
        "--kubelet-arg", "max-pods=7", "--pause-image", "example.com/rancher/mirrored-pause:1",
    ]

    private static let tolerates = "tolerations: [{key: example.com/dark, operator: Exists}]"

    /// A pod that goes to the node that was told so.
    private static func pod(_ name: String, _ more: String = tolerates) -> String {
        """
        apiVersion: v1
        kind: Pod
        metadata: {name: \(name)}
        spec:
          terminationGracePeriodSeconds: 1
          nodeSelector: {example.com/room: cellar}
          \(more)
          volumes:
          - {name: token, projected: {sources: [{serviceAccountToken: {path: mine, audience: them}}]}}
          containers:
          - name: main
            image: busybox:1
            command: [sleep, "100000"]
            volumeMounts: [{name: token, mountPath: /tokens}]
        """
    }

    private static let ctr = "ctr -a /run/k3s/containerd/containerd.sock -n k8s.io"
    private static let account = "/var/run/secrets/kubernetes.io/serviceaccount/token"

    @Test func `a node is as it was told when it started, and tells of itself`() async throws {
        try await TestNode.bare { node in
            try await TestRegistry.start(on: node)
            // Another name for the usual runtime.
            let template = """
                {{ template "base" . }}
                [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.mine]
                runtime_type = "io.containerd.runc.v2"

                """
            let folder = node.folder + "/var/lib/rancher/k3s/agent/etc/containerd"
            try Files.makeDirectory(folder)
            try Files.write(template, to: folder + "/config.toml.tmpl")
            let server = try await node.start(Self.arguments)
            let label = "{.metadata.labels.example\\.com/room}"
            let path = "jsonpath=\(label) {.spec.taints[0].key} {.status.capacity.pods}"
            #expect(try await server.must("get", "node", "node-1", "-o", path) == "cellar example.com/dark 7")
            try await expectRuntimes(server)
            try await server.must("create", input: Self.pod("shuns", ""))
            try await eventually("the scheduler says why") {
                try await server.must("get", "events", "--field-selector", "involvedObject.name=shuns")
                    .contains("untolerated taint(s)")
            }
            // Where no registry is.
            let pause = "example.com/rancher/mirrored-pause:1"
            #expect(try await node.shell("\(Self.ctr) containers ls").contains(pause))
            try await expectTold(server)
        }
    }

    private func expectRuntimes(_ server: TestNode.Server) async throws {
        func make(_ name: String, handler: String) async throws {
            let text = """
                apiVersion: node.k8s.io/v1
                kind: RuntimeClass
                metadata: {name: \(name)}
                handler: \(handler)
                overhead: {podFixed: {memory: 9Mi}}
                """
            try await server.must("create", input: text)
            let more = "\(Self.tolerates)\n  runtimeClassName: \(name)"
            try await server.must("create", input: Self.pod(name, more))
        }
        try await make("own", handler: "mine")
        try await make("lost", handler: "nobodys")
        try await server.must("wait", "--for=condition=Ready", "pod/own", "--timeout=50s")
        #expect(try await server.must("get", "pod", "own", "-o", "jsonpath={.spec.overhead.memory}") == "9Mi")
        try await eventually("a runtime that is not there is told") {
            try await server.must("get", "events", "--field-selector", "involvedObject.name=lost")
                .contains(#"no runtime for "nobodys" is configured"#)
        }
    }

    private func expectTold(_ server: TestNode.Server) async throws {
        func ask(_ path: String) async throws -> String {
            try await server.must("get", "--raw", "/api/v1/nodes/node-1/proxy/" + path)
        }
        #expect(try await ask("healthz") == "ok")
        let settings = try await ask("configz")
        for part in [#""kubeletconfig":{"#, #""maxPods":7"#, #""cgroupRoot":"/k3s-test-"#] {
            #expect(settings.contains(part), "\(part): \(settings.prefix(2000))")
        }
        let pods = try await ask("pods")
        #expect(pods.contains(#""kind":"PodList""#) && pods.contains(#""name":"own""#))
        #expect(!pods.contains(#""name":"shuns""#))
        var summary = ""
        try await eventually("the node tells what its pods use") {
            summary = try await ask("stats/summary")
            return summary.contains(#""podRef":{"name":"own""#) && summary.contains(#""workingSetBytes":"#)
        }
        for part in [#""nodeName":"node-1""#, #""fs":{"#, #""imageFs":{"#, #""rxBytes":"#, #""usageCoreNanoSeconds":"#] {
            #expect(summary.contains(part), "\(part): \(summary.prefix(2000))")
        }
        for (path, metric) in [
            ("metrics", "kubelet_running_pods"), ("metrics/resource", "pod_memory_working_set_bytes"),
            ("metrics/cadvisor", "container_memory_working_set_bytes"),
        ] {
            let text = try await ask(path)
            #expect(text.contains("\n" + metric), "\(path): \(text.prefix(500))")
        }
    }

    @Test func `a pod's tokens are its own, are exchanged while it runs, and end with it`() async throws {
        try await TestNode.with(["--node-label", "example.com/room=cellar"]) { node, first in
            try await first.must("create", input: Self.pod("holder"))
            try await first.must("wait", "--for=condition=Ready", "pod/holder", "--timeout=50s")
            func read(_ path: String, _ server: TestNode.Server) async throws -> String {
                try await server.shell("holder", "cat \(path)").text
            }
            /// Who the API takes the token for, with the pod that it is bound to.
            func owner(_ token: String) async throws -> String {
                let review = #"{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}"#
                return try await node.shell(
                    """
                    curl -sk -w '%{http_code}' https://127.0.0.1:6443/apis/authentication.k8s.io/v1/selfsubjectreviews \\
                        -H 'Authorization: Bearer \(token)' -H 'Content-Type: application/json' -d '\(review)'
                    """)
            }
            let (own, others) = (try await read(Self.account, first), try await read("/tokens/mine", first))
            let answer = try await owner(own)
            #expect(answer.contains("system:serviceaccount:default:default"), "\(answer)")
            for part in ["authentication.kubernetes.io/pod-name", "\"holder\""] {
                #expect(answer.contains(part), "\(answer)")
            }
            // It is meant for somebody else.
            #expect(try await owner(others).hasSuffix("401"))

            // Another k3s does not know the one that its predecessor had asked for.
            let container = "jsonpath={.status.containerStatuses[0].containerID}"
            let id = try await first.must("get", "pod", "holder", "-o", container)
            try await first.stop(.kill)
            let second = try await node.start(["--node-label", "example.com/room=cellar"])
            for (path, before) in [(Self.account, own), ("/tokens/mine", others)] {
                try await eventually("\(path) is another token") { try await read(path, second) != before }
            }
            let next = try await read(Self.account, second)
            #expect(try await owner(next).contains("system:serviceaccount:default:default"))
            #expect(try await owner(own).contains("system:serviceaccount:default:default"))
            #expect(try await second.must("get", "pod", "holder", "-o", container) == id)

            try await second.must("delete", "pod", "holder")
            for token in [own, next] {
                try await eventually("the token is worth nothing without its pod") {
                    try await owner(token).hasSuffix("401")
                }
            }
        }
    }
}
