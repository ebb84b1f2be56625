import Host
import Support
import Testing

/// What a node is told about its images, its addresses and its resolver, and images that it has without a registry.
@Suite(.serialized) struct NodeImageTests {
    private static let folder = "/var/lib/rancher/k3s/agent/images"
    private static let socket = "/run/k3s/containerd/containerd.sock"
    private static let ctr = "ctr -a \(socket) -n k8s.io"

    private static func pod(_ name: String, _ images: [String], policy: String = "Never", _ more: String = "") -> String {
        let containers = images.enumerated().map { number, image in
            "  - {name: c\(number), image: \"\(image)\", imagePullPolicy: \(policy), command: [sleep, \"100000\"]}\n"
        }
        return """
            apiVersion: v1
            kind: Pod
            metadata: {name: \(name)}
            spec:
              nodeName: node-1
              terminationGracePeriodSeconds: 1
              \(more)
              containers:
            \(containers.joined())
            """
    }

    /// A program that knows the user of the private registry, and the file that tells of it (KEP 2133).
    private static func makeProvider(on node: TestNode) throws -> [String] {
        let (programs, file) = (node.folder + "/providers", node.folder + "/providers.yaml")
        let user = TestRegistry.user
        let kind = #""apiVersion":"credentialprovider.kubelet.k8s.io/v1","kind":"CredentialProviderResponse""#
        let auth = #""127.0.0.1:5001":{"username":"\#(user.name)","password":"\#(user.password)"}"#
        try Files.makeDirectory(programs)
        let script = "#!/bin/sh\ncat >/dev/null\necho '{\(kind),\"cacheKeyType\":\"Registry\",\"auth\":{\(auth)}}'\n"
        try Files.write(Array(script.utf8), to: programs + "/knows", mode: 0o755)
        let configuration = """
            apiVersion: kubelet.config.k8s.io/v1
            kind: CredentialProviderConfig
            providers:
            - name: knows
              apiVersion: credentialprovider.kubelet.k8s.io/v1
              matchImages: ["127.0.0.1:5001"]
              defaultCacheDuration: 1m

            """
        try Files.write(configuration, to: file)
        return ["--image-credential-provider-bin-dir", programs, "--image-credential-provider-config", file]
    }

    @Test func `a node has its images from where it is told, while it runs and through its restarts`() async throws {
        try await TestNode.bare { node in
            try await TestRegistry.start(on: node)
            try await TestRegistry.startPrivate(on: node)
            let resolver = node.folder + "/resolv.conf"
            try Files.write("nameserver 192.0.2.53\nsearch room.example.com\n", to: resolver)
            let provider = try Self.makeProvider(on: node)
            let always = ["--snapshotter", "native"]
            let first = try await node.start(
                always + provider + ["--node-external-ip", "192.0.2.7", "--resolv-conf", resolver])
            try await Self.expectTold(first)
            try await first.stop(.terminate)

            // What it needs of the kernel it has set.
            let second = try await node.start(
                always + ["--system-default-registry", "reg.example.com:5000/k3s", "--protect-kernel-defaults"])
            try await Self.expectPreloaded(node, second)
            try await second.stop(.terminate)

            // The containerd of before is now somebody else's.
            let process = "cut -d , -f 1 /run/k3s/containerd/k3s-process.json; pidof containerd"
            let before = try await node.shell(process)
            let third = try await node.start(["--container-runtime-endpoint", "unix://" + Self.socket])
            try await third.must("get", "pod", "told", "preloaded")
            try await third.must("create", input: Self.pod("foreign", ["busybox:1"]))
            try await third.must("wait", "--for=condition=Ready", "pod/foreign", "pod/told", "--timeout=50s")
            #expect(try await node.shell(process) == before)
        }
    }

    private static func expectTold(_ server: TestNode.Server) async throws {
        let node = server.node
        let external = #"jsonpath={.status.addresses[?(@.type=="ExternalIP")].address}"#
        #expect(try await server.must("get", "node", "node-1", "-o", external) == "192.0.2.7")
        let images = ["127.0.0.1:5001/library/busybox:1", "busybox:1"]
        try await server.must("create", input: pod("told", images, policy: "IfNotPresent", "dnsPolicy: Default"))
        try await server.must("wait", "--for=condition=Ready", "pod/told", "--timeout=50s")
        let inside = try await server.shell("told", "cat /etc/resolv.conf; grep ' / ' /proc/mounts")
        #expect(inside.text.contains("nameserver 192.0.2.53\n") && inside.text.contains("search room.example.com\n"))
        #expect(!inside.text.contains("overlay"))
        let snapshots = "/var/lib/rancher/k3s/agent/containerd/io.containerd.snapshotter.v1.native/snapshots"
        #expect(try !Files.list(node.folder + snapshots).isEmpty)
    }

    /// An archive of each form, of an image that was brought for no pod (KEP 2535), and a list.
    private static let forms = [("tar", "cat"), ("tar.gz", "gzip"), ("tgz", "gzip"), ("tar.zst", "zstd"), ("tar.bz2", "bzip2")]

    private static func expectPreloaded(_ node: TestNode, _ server: TestNode.Server) async throws {
        // The first is begun before it is finished, the others come at once.
        let origin = "127.0.0.1:5000/library/nginx:stable-alpine"
        var script = "cd \(node.folder); \(ctr) images pull --snapshotter native --plain-http \(origin)\n"
        for (number, (form, program)) in forms.enumerated() {
            let name = "form.example.com/library/nginx:v\(number)"
            script += """
                \(ctr) images tag \(origin) \(name)
                \(ctr) images export v\(number).tar \(name)
                \(ctr) images rm --sync \(name)
                \(program) <v\(number).tar >ready.\(form)
                \(number == 0 ? "head -c 100000 ready.\(form) >\(folder)/v0.\(form)" : "")
                mv ready.\(form) \(folder)/v\(number).\(form)

                """
        }
        script += "\(ctr) images rm --sync \(origin); echo nginx:two >\(folder)/more.txt"
        try await node.shell(script)
        let system = forms.indices.map { "reg.example.com:5000/k3s/library/nginx:v\($0)" }
        let images = system + ["form.example.com/library/nginx:v0", "nginx:two"]
        try await eventually("the archives have been imported") {
            let present = try await node.shell("\(ctr) images ls -q").split(separator: "\n").map(String.init)
            return Set(system + ["docker.io/library/nginx:two"]).isSubset(of: present)
        }
        try await server.must("create", input: pod("preloaded", images))
        try await server.must("wait", "--for=condition=Ready", "pod/preloaded", "--timeout=50s")
        // One that leaves is not kept any more.
        let pinned = "\(ctr) images ls -q 'labels.\"io.cattle.k3s.pinned\"==pinned' | grep -c nginx:v4 || true"
        #expect(try await node.shell(pinned) == "2\n")
        try await node.shell("rm \(folder)/v4.*")
        try await eventually("the image without its archive may be removed") { try await node.shell(pinned) == "0\n" }
    }
}
