import Host
import Support
import Testing

@testable import Runtime

/// Images from a real registry, reached as `registries.yaml` says.
@Suite(
    .serialized, .timeLimit(.minutes(1)),
    .enabled(if: TestNode.isPossible && Files.exists("/usr/bin/docker-registry")))
struct RegistryPullTests {
    private static let configuration = """
        version: 0.1
        log: {level: error, accesslog: {disabled: true}}
        storage: {filesystem: {rootdirectory: FOLDER/registry}}
        http: {addr: 127.0.0.1:5000}
        auth: {htpasswd: {realm: test, path: FOLDER/users}}
        """
    /// The user `node`, whose password is `secret` (bcrypt).
    private static let users = "node:$2b$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a\n"
    private static let name = "docker.io/library/pulled:test"

    private func registries(password: String) -> Registries {
        var (registries, auth) = (Registries(), Registries.Auth())
        auth.username = "node"
        auth.password = password
        registries.mirrors["docker.io"] = Registries.Mirror(endpoints: ["http://127.0.0.1:5000"])
        registries.configs["127.0.0.1:5000"] = Registries.HostOptions(auth: auth)
        return registries
    }

    /// Runs a registry that holds ``name`` while `body` runs; the node's own store does not hold it any more.
    private func withRegistry(
        _ node: TestNode, _ body: @escaping @Sendable (CRIClient) async throws -> Void
    ) async throws {
        let text = Self.configuration.split(separator: "FOLDER", omittingEmptySubsequences: false)
        try Files.write(text.joined(separator: node.folder), to: node.folder + "/registry.yml")
        try Files.write(Self.users, to: node.folder + "/users")
        var command = node.command("docker-registry", ["serve", node.folder + "/registry.yml"])
        (command.output, command.errors) = (.null, .null)
        let registry = try await command.start()
        do {
            try await node.withContainerd { client in
                try await push(node, client)
                try await body(client)
            }
        } catch {
            try registry.send(.kill)
            _ = try await registry.wait()
            throw error
        }
        try registry.send(.kill)
        _ = try await registry.wait()
    }

    private func push(_ node: TestNode, _ client: CRIClient) async throws {
        try await node.importBusybox(client)
        let ctr = try #require(node.programs.ctr)
        let arguments = [
            "-a", node.layout.socket, "-n", "k8s.io", "images", "push", "--plain-http", "--user",
            "node:secret", "127.0.0.1:5000/library/pulled:test", TestNode.image,
        ]
        // The registry may not listen yet.
        while !(try await node.command(ctr, arguments).run().status.isSuccess) {
            try await Task.sleep(for: .milliseconds(20))
        }
        try await client.removeImage(CRI.ImageSpec(TestNode.image))
    }

    @Test func `a mirror answers for Docker Hub, with the file's credentials`() async throws {
        try await TestNode.run(registries: registries(password: "secret")) { node in
            try await withRegistry(node) { client in
                #expect(try await client.imageStatus(CRI.ImageSpec(Self.name)) == nil)
                let id = try await client.pullImage(CRI.ImageSpec(Self.name), auth: nil, sandboxConfig: nil)
                let image = try #require(try await client.imageStatus(CRI.ImageSpec(Self.name)))
                #expect(image.id == id && image.repoTags == [Self.name] && image.size > 0)
                #expect(try await client.listImages().contains { $0.id == id })
                #expect(try await client.imageFilesystems().images.first?.filesystem.mountpoint != nil)

                let missing = CRI.ImageSpec("docker.io/library/missing:test")
                let fault = await #expect(throws: Fault.self) {
                    try await client.pullImage(missing, auth: nil, sandboxConfig: nil)
                }
                // The mirror has none, and Docker Hub itself is not reached from here.
                #expect(fault?.summary == "cannot pull the image docker.io/library/missing:test")
            }
        }
    }

    @Test func `credentials of the pull go before those of the file`() async throws {
        try await TestNode.run(registries: registries(password: "wrong")) { node in
            try await withRegistry(node) { client in
                let image = CRI.ImageSpec(Self.name)
                await #expect(throws: Fault.self) {
                    try await client.pullImage(image, auth: nil, sandboxConfig: nil)
                }
                var auth = CRI.AuthConfig()
                auth.username = "node"
                auth.password = "secret"
                _ = try await client.pullImage(image, auth: auth, sandboxConfig: nil)
                #expect(try await client.imageStatus(image) != nil)
            }
        }
    }
}
