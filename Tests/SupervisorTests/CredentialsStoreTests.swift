import Host
import PKI
import Support
import Testing

@testable import Supervisor

@Suite struct CredentialsStoreTests {
    @Test func `a server's first and second start, on a real disk`() async throws {
        let root = "/tmp/credentials-test-\(UInt64.random(in: 0...UInt64.max))"
        defer { try? Files.remove(root) }
        var request = Disk.request()
        request.dataDirectory = root + "/k3s"
        request.configDirectory = root + "/rancher"
        request.includesEtcd = true
        let first = try await CredentialsStore.prepare(request)
        #expect(first.serviceAccountKeys.map(\.kind) == [.rsa])
        #expect(!Files.exists(root + "/rancher/k3s/k3s.yaml"))
        try CredentialsStore.publish(first)

        let modes: [(String, FileMode)] = [
            ("k3s", 0o755), ("k3s/server", 0o700), ("k3s/server/tls", 0o700), ("k3s/server/tls/etcd", 0o700),
            ("k3s/server/cred", 0o700), ("k3s/agent", 0o700), ("k3s/server/tls/server-ca.crt", 0o644),
            ("k3s/server/tls/service.key", 0o600), ("k3s/server/token", 0o600),
            ("k3s/agent/client-kubelet.crt", 0o600), ("rancher/node/password", 0o600),
            ("rancher/node", 0o755),
            ("rancher/k3s/k3s.yaml", 0o600),
        ]
        for (path, mode) in modes { #expect(try Files.status(of: root + "/" + path).mode == mode, "\(path)") }
        #expect(try Files.readText(root + "/k3s/server/node-token") == first.token + "\n")

        request.now = start + day
        let second = try await CredentialsStore.prepare(request)
        #expect(second.renewed == [])
        #expect(second.token == first.token)
        #expect(second.serviceAccountKeys.map(\.publicKey) == first.serviceAccountKeys.map(\.publicKey))
        #expect(
            try Files.list(root + "/k3s/server") == ["agent-token", "cred", "node-token", "tls", "token"])
    }
}
