import Host
import PKI
import Support
import Testing

@testable import Supervisor

@Suite struct TokenFilesTests {
    @Test func `without tokens given, one is made for all`() throws {
        var disk = Disk()
        let credentials = try disk.run(Disk.request())
        let authorities = try #require(disk.snapshot.files["/data/server/tls/server-ca.crt"])
        let password = try #require(credentials.passwords.password(of: "server"))
        #expect(password.utf8.count == 32)
        #expect(credentials.token == "K10\(Hex.encode(Digest.sha256(authorities)))::server:\(password)")
        #expect(disk.text("/data/server/token") == credentials.token + "\n")
        #expect(disk.snapshot.links["/data/server/node-token"] == "token")
        #expect(disk.snapshot.links["/data/server/agent-token"] == "token")
        #expect(
            disk.text("/data/server/cred/passwd")
                == "\(password),node,node,k3s:agent\n\(password),server,server,k3s:server\n")
    }

    @Test func `an agent token is a file of its own, and goes when it is no longer given`() throws {
        var disk = Disk()
        var request = Disk.request()
        (request.token, request.agentToken) = ("K10\(String(repeating: "0", count: 64))::server:a,b", "c")
        let credentials = try disk.run(request)
        #expect(credentials.token.hasSuffix("::server:a,b"))
        #expect(disk.text("/data/server/agent-token")?.hasSuffix("::node:c\n") == true)
        #expect(disk.text("/data/server/cred/passwd")?.contains("\"a,b\",server,server,k3s:server\n") == true)

        request.agentToken = nil
        _ = try disk.run(request)
        #expect(disk.snapshot.links["/data/server/agent-token"] == "token")
        #expect(disk.snapshot.files["/data/server/agent-token"] == nil)
    }

    @Test func `a token on disk is kept until another is given`() throws {
        var disk = Disk()
        var request = Disk.request()
        request.token = "first"
        _ = try disk.run(request)
        request.token = nil
        #expect(try disk.run(request).token.hasSuffix("::server:first"))
        request.token = "second"
        #expect(try disk.run(request).token.hasSuffix("::server:second"))
    }

    @Test func `rows of others stay in the password file`() {
        var file = PasswordFile(
            Array("\"p\"\"1\",admin,admin,\"system:masters,x\"\nold,node,node,k3s:agent\n\nbad\n".utf8))
        file.set("node", password: "new", groups: "k3s:agent")
        #expect(file.password(of: "admin") == "p\"1")
        #expect(file.password(of: "node") == "new")
        #expect(
            String(decoding: file.bytes, as: UTF8.self)
                == "\"p\"\"1\",admin,admin,\"system:masters,x\"\nnew,node,node,k3s:agent\n")
        #expect(PasswordFile(file.bytes) == file)
    }

    @Test func `an admin kubeconfig elsewhere leaves a link`() throws {
        var disk = Disk()
        var request = Disk.request()
        request.kubeconfig.path = "/home/me/config"
        request.kubeconfig.mode = 0o640
        request.kubeconfig.group = 10
        request.kubeconfig.name = "my: cluster"
        _ = try disk.run(request)
        #expect(disk.snapshot.links["/etc/rancher/k3s/k3s.yaml"] == "/home/me/config")
        #expect(disk.modes["/home/me/config"] == 0o640)
        #expect(disk.text("/home/me/config")?.contains("current-context: \"my: cluster\"\n") == true)

        _ = try disk.run(Disk.request())
        #expect(disk.text("/etc/rancher/k3s/k3s.yaml")?.contains("server: https://127.0.0.1:6443\n") == true)
    }

    @Test func `a component's kubeconfig refers to files`() throws {
        var disk = Disk()
        _ = try disk.run(Disk.request())
        let expected = """
            apiVersion: v1
            clusters:
            - cluster:
                certificate-authority: /data/server/tls/server-ca.crt
                server: https://127.0.0.1:6444
              name: local
            contexts:
            - context:
                cluster: local
                user: user
              name: Default
            current-context: Default
            kind: Config
            users:
            - name: user
              user:
                client-certificate: /data/server/tls/client-scheduler.crt
                client-key: /data/server/tls/client-scheduler.key

            """
        #expect(disk.text("/data/server/cred/scheduler.kubeconfig") == expected)
    }
}
