import APIMachinery
import Host
import Support
import Testing

/// Secrets as they lie on the disk, by the options of k3s and by a configuration file of one's own.
@Suite(.serialized) struct SecretsAtRestTests {
    /// Whether the datastore of a server that has ended holds a text as it is.
    private static func isStored(_ text: String, in folder: String) throws -> Bool {
        let database = folder + "/data/server/db"
        return try Files.list(database).contains { name in
            let bytes = try Files.read(database + "/" + name, limit: .mebibytes(256))
            return bytes.firstRange(of: Array(text.utf8)) != nil
        }
    }

    private static func makeSecret(_ name: String, _ server: TestServer) async throws {
        let made = try await server.kubectl("create", "secret", "generic", name, "--from-literal=key=value-of-\(name)")
        #expect(made.status.isSuccess, "\(made.errorText)")
    }

    private static func expectSecret(_ name: String, _ server: TestServer) async throws {
        let read = try await server.kubectl("get", "secret", name, "-o", "jsonpath={.data.key}")
        #expect(Base64.decode(read.text) == Array("value-of-\(name)".utf8), "\(read.errorText)")
    }

    /// How the value of such a secret lies in a datastore that does not encrypt.
    private static func plain(_ name: String) -> String { Base64.encode(Array("value-of-\(name)".utf8)) }

    /// Runs a server whose `config.yaml` says `configuration` until `body` has done.
    private static func run(
        in folder: String, _ configuration: String, _ body: (TestServer) async throws -> Void
    ) async throws {
        try Files.makeDirectory(folder + "/etc/k3s")
        try Files.write(Array(configuration.utf8), to: folder + "/etc/k3s/config.yaml")
        let server = try await TestServer.start(in: folder)
        do {
            try await body(server)
        } catch {
            _ = try await server.stop(.kill)
            throw error
        }
        _ = try await server.stop(.terminate)
    }

    @Test(arguments: ["aescbc", "secretbox"])
    func `the option of k3s encrypts, and the key can be handed on in a file`(provider: String) async throws {
        let folder = try TestServer.makeFolder()
        let option = "secrets-encryption: true\nsecrets-encryption-provider: \(provider)\n"
        try await Self.run(in: folder, option) { server in
            try await Self.makeSecret("first", server)
            let map = try await server.kubectl("create", "configmap", "seen", "--from-literal=key=value-for-all")
            #expect(map.status.isSuccess, "\(map.errorText)")
        }
        #expect(try Self.isStored("value-for-all", in: folder))
        #expect(try !Self.isStored(Self.plain("first"), in: folder))
        #expect(try Self.isStored("k8s:enc:\(provider):v1:\(provider)key:", in: folder))
        let made = try Value(json: try Files.read(folder + "/data/server/cred/encryption-config.json"))
        let entry = try #require(made["resources"]?.array?.first)
        #expect(entry["resources"] == ["secrets"])
        let key = try #require(entry["providers"]?.array?.first)
        #expect(entry["providers"]?.array?.last == ["identity": [:]])

        // Decrypting: what is written from now on lies as it is, and the old key reads.
        let file = folder + "/encryption.yaml"
        let argument = option + "kube-apiserver-arg: [\"encryption-provider-config=\(file)\"]\n"
        func configure(_ providers: Value...) throws {
            let configuration: Value = [
                "apiVersion": "apiserver.config.k8s.io/v1", "kind": "EncryptionConfiguration",
                "resources": [["resources": ["secrets"], "providers": .array(providers)]],
            ]
            try Files.write(configuration.json, to: file)
        }
        try configure(["identity": [:]], key)
        try await Self.run(in: folder, argument) { server in
            try await Self.expectSecret("first", server)
            try await Self.makeSecret("second", server)
            let old = try await server.kubectl("get", "secret", "first", "-o", "yaml")
            let written = try await server.kubectl(["replace"], input: old.text)
            #expect(written.status.isSuccess, "\(written.errorText)")
        }
        #expect(try Self.isStored(Self.plain("second"), in: folder))
        #expect(try Self.isStored(Self.plain("first"), in: folder))

        // Encrypting again, with another key: nothing needs the old one any more.
        let secret = Base64.encode([UInt8](repeating: 7, count: 32))
        try configure(["aesgcm": ["keys": [["name": "new", "secret": .string(secret)]]]], ["identity": [:]])
        try await Self.run(in: folder, argument) { server in
            for name in ["first", "second"] { try await Self.expectSecret(name, server) }
            try await Self.makeSecret("third", server)
            try await Self.expectSecret("third", server)
        }
        #expect(try !Self.isStored(Self.plain("third"), in: folder))
        #expect(try Self.isStored("k8s:enc:aesgcm:v1:new:", in: folder))
        try Files.remove(folder)
    }
}
