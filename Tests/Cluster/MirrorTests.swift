import Host
import Support
import Testing

/// Where images come from, as `registries.yaml` says.
@Suite(.serialized) struct MirrorTests {
    /// Nobody listens on port 1.
    private static func registries(_ secure: (folder: String, port: Int)) -> String {
        """
        mirrors:
          docker.io: {endpoint: ["http://127.0.0.1:5000"]}
          secure.example.com: {endpoint: ["https://127.0.0.1:\(secure.port)"]}
          lax.example.com: {endpoint: ["https://localhost:\(secure.port)"]}
          second.example.com: {endpoint: ["http://127.0.0.1:1", "http://127.0.0.1:5000/v2"]}
          renamed.example.com: {endpoint: ["http://127.0.0.1:5000"], rewrite: {"^(.*)$": "library/$1"}}
          rewritten.example.com: {endpoint: ["https://127.0.0.1:\(secure.port)"], rewrite: {"^team/(.*)$": "library/$1"}}
          "127.0.0.1:5000": {endpoint: ["http://127.0.0.1:1"]}
          "*": {endpoint: ["http://127.0.0.1:5000"]}
        configs:
          "127.0.0.1:\(secure.port)":
            tls:
              ca_file: \(secure.folder)/ca.crt
              cert_file: \(secure.folder)/client.crt
              key_file: \(secure.folder)/client.key
          "localhost:\(secure.port)":
            tls:
              cert_file: \(secure.folder)/client.crt
              key_file: \(secure.folder)/client.key
              insecure_skip_verify: true

        """
    }

    private static func pod(_ name: String, _ images: [String]) -> String {
        let containers = images.enumerated().map { number, image in
            "  - {name: c\(number), image: \"\(image)\", command: [sleep, \"100000\"]}\n"
        }
        return """
            apiVersion: v1
            kind: Pod
            metadata: {name: \(name)}
            spec:
              nodeName: node-1
              terminationGracePeriodSeconds: 1
              containers:
            \(containers.joined())
            """
    }

    @Test func `each registry is reached as its mirrors and its TLS say, and by itself at last`() async throws {
        try await TestNode.bare { node in
            try await TestRegistry.start(on: node)
            let secure = try await TestRegistry.startSecure(on: node)
            let text = Self.registries(secure)
            try Files.write(text, to: node.folder + "/etc/rancher/k3s/registries.yaml")
            let server = try await node.start()
            let hosts = ["secure", "lax", "second", "any"].map { $0 + ".example.com" } + ["127.0.0.1:5000"]
            let images =
                hosts.map { $0 + "/library/busybox:1" }
                + ["renamed.example.com/busybox:1", "rewritten.example.com/team/busybox:1"]
            try await server.must("create", input: Self.pod("all", images))
            try await server.must("wait", "--for=condition=Ready", "pod/all", "--timeout=50s")
            try await server.stop(.terminate)

            // Nobody is asked who is not named.
            let again = try await node.start(["--disable-default-registry-endpoint"])
            try await again.must("create", input: Self.pod("own", ["127.0.0.1:5000/library/nginx:two"]))
            try await again.must("create", input: Self.pod("mirrored", ["any.example.com/library/nginx:two"]))
            try await again.must("wait", "--for=condition=Ready", "pod/mirrored", "--timeout=50s")
            try await eventually("the registry itself is not asked") {
                let told = try await again.must("get", "events", "--field-selector", "involvedObject.name=own")
                return told.contains("Failed to pull image") && told.contains("127.0.0.1:1")
            }
        }
    }
}
