import Host
import Support
import Testing

/// Images that not everybody may have, and images that a node has without any registry.
@Suite(.serialized) struct PrivateImageTests {
    private static let image = "private.example.com/library/busybox:1"

    private static func pod(
        _ name: String, image: String = image, policy: String = "IfNotPresent", _ more: String = ""
    ) -> String {
        """
        apiVersion: v1
        kind: Pod
        metadata: {name: \(name)}
        spec:
          nodeName: node-1
          terminationGracePeriodSeconds: 1
          \(more)
          containers:
          - {name: main, image: "\(image)", imagePullPolicy: \(policy), command: [sleep, "100000"]}
        """
    }

    private static func awaitReady(_ name: String, _ server: TestNode.Server) async throws {
        try await server.must("wait", "--for=condition=Ready", "pod/\(name)", "--timeout=50s")
    }

    private static func events(_ pod: String, _ server: TestNode.Server) async throws -> String {
        try await server.must("get", "events", "--field-selector", "involvedObject.name=\(pod)")
    }

    private static func expectRefused(
        _ name: String, _ reason: String, _ server: TestNode.Server
    ) async throws {
        try await eventually("the image is not given to \(name)") {
            try await events(name, server).contains("Error: \(reason)")
        }
        let ready = #"jsonpath={.status.conditions[?(@.type=="Ready")].status}"#
        #expect(try await server.must("get", "pod", name, "-o", ready) == "False", "\(name)")
    }

    @Test func `a private image is for pods with credentials alone, also when it is here`() async throws {
        try await TestNode.bare { node in
            try await TestRegistry.start(on: node)
            try await TestRegistry.startPrivate(on: node)
            // Or the registries of these names would be looked for.
            let arguments = ["--disable-default-registry-endpoint"]
            let server = try await node.start(arguments)
            let user = TestRegistry.user
            for (name, password) in [("right", user.password), ("wrong", "guessed")] {
                try await server.must(
                    "create", "secret", "docker-registry", name, "--docker-server=private.example.com",
                    "--docker-username=\(user.name)", "--docker-password=\(password)")
            }
            let (right, wrong) = ("imagePullSecrets: [{name: right}]", "imagePullSecrets: [{name: wrong}]")
            try await server.must("create", input: Self.pod("stranger"))
            try await server.must("create", input: Self.pod("liar", wrong))
            for name in ["stranger", "liar"] { try await Self.expectRefused(name, "ErrImagePull", server) }
            try await server.must("create", input: Self.pod("friend", right))
            try await Self.awaitReady("friend", server)

            // It is here now, and not for everybody (KEP 2535).
            try await server.must("create", input: Self.pod("late"))
            try await Self.expectRefused("late", "ErrImagePull", server)
            try await server.must("create", input: Self.pod("never", policy: "Never"))
            try await Self.expectRefused("never", "ErrImageNeverPull", server)
            try await server.must("create", "serviceaccount", "friends")
            let with = #"{"imagePullSecrets":[{"name":"right"}]}"#
            try await server.must("patch", "serviceaccount", "friends", "-p", with)
            try await server.must("create", input: Self.pod("member", "serviceAccountName: friends"))
            try await Self.awaitReady("member", server)
            let told = try await Self.events("member", server)
            #expect(told.contains("already present on machine and can be accessed by the pod"), "\(told)")

            // What the node itself may have is for all of its pods.
            let shared = "shared.example.com/library/busybox:1"
            try await server.must("create", input: Self.pod("guest", image: shared))
            try await Self.awaitReady("guest", server)

            // Who brought it is known after a restart, too.
            try await server.stop(.terminate)
            let again = try await node.start(arguments)
            try await again.must("create", input: Self.pod("later"))
            try await Self.expectRefused("later", "ErrImagePull", again)
            try await again.must("create", input: Self.pod("other", right))
            try await Self.awaitReady("other", again)
        }
    }

    @Test func `archives and lists in the node's folder bring images before any pod asks`() async throws {
        try await TestNode.with { node, server in
            try await server.must("create", input: Self.pod("first", image: "busybox:1"))
            try await Self.awaitReady("first", server)
            let ctr = "ctr -a /run/k3s/containerd/containerd.sock -n k8s.io"
            let (folder, name) = ("/var/lib/rancher/k3s/agent/images", "docker.io/library/busybox:1")
            try await node.shell(
                """
                mkdir -p \(folder)
                \(ctr) images export \(folder)/box.tar \(name)
                gzip \(folder)/box.tar
                echo nginx:two >\(folder)/more.txt
                """)
            try await server.must("delete", "pods", "--all")
            try await server.stop(.terminate)
            try await node.shell("\(ctr) images rm --sync \(name)")
            let again = try await node.start()
            try await eventually("the list has been pulled") {
                try await node.shell("\(ctr) images ls -q").contains("docker.io/library/nginx:two\n")
            }
            try await node.shell("kill $(pidof docker-registry)")
            for (pod, image) in [("archive", "busybox:1"), ("list", "nginx:two")] {
                try await again.must("create", input: Self.pod(pod, image: image, policy: "Never"))
            }
            for pod in ["archive", "list"] { try await Self.awaitReady(pod, again) }
        }
    }
}
