import Host
import Support

/// A user who is not root on a node of a test: with a home, ids for containers, and the devices that systems
/// give to all.
struct UserWorld: Sendable {
    static let id = 1500
    private static let name = "tester"
    let node: TestNode

    var home: String { node.folder + "/home" }
    var log: String { (try? Files.readText(home + "/log")) ?? "" }

    /// What ended k3s.
    var errors: String { (try? Files.readText(node.folder + "/errors")) ?? "" }

    func openErrors() throws -> Descriptor { try Files.openForAppending(node.folder + "/errors") }

    /// Makes the user, on this node alone.
    init(on node: TestNode) async throws {
        self.node = node
        try await node.shell(
            """
            chmod 755 \(node.folder)
            mkdir -p \(node.folder)/{home,runtime,etc}
            chown \(Self.id):\(Self.id) \(node.folder)/{home,runtime}
            chmod 700 \(node.folder)/runtime
            for file in passwd group subuid subgid; do cp /etc/$file \(node.folder)/etc/; done
            echo '\(Self.name):x:\(Self.id):\(Self.id)::\(home):/bin/sh' >>\(node.folder)/etc/passwd
            echo '\(Self.name):x:\(Self.id):' >>\(node.folder)/etc/group
            for file in subuid subgid; do echo '\(Self.name):200000:65536' >>\(node.folder)/etc/$file; done
            for file in passwd group subuid subgid; do mount --bind \(node.folder)/etc/$file /etc/$file; done
            mknod -m 666 \(node.folder)/tun c 10 200
            mount --bind \(node.folder)/tun /dev/net/tun
            cp \(TestServer.binary) \(node.folder)/k3s
            """)
    }

    /// A command of this user's, with nothing of root's in its environment.
    func command(_ words: [String]) throws -> Command {
        var command = try node.command(
            "/usr/bin/setpriv", ["--reuid", "\(Self.id)", "--regid", "\(Self.id)", "--clear-groups"] + words)
        command.environment = [
            "HOME": home, "USER": Self.name, "XDG_RUNTIME_DIR": node.folder + "/runtime",
            "PATH": "/usr/local/bin:/usr/bin:/bin",
        ]
        return command
    }

    /// `k3s server --rootless` with further arguments.
    func k3s(_ arguments: [String] = []) throws -> Command {
        try command([node.folder + "/k3s", "server", "--rootless", "--node-name", "node-1"] + arguments)
    }

    /// kubectl of this user's, outside of all namespaces of k3s, and what it printed.
    func kubectl(_ arguments: String...) async throws -> String {
        var command = try command(["/usr/bin/timeout", "60", "/usr/bin/kubectl"] + arguments)
        command.environment["KUBECONFIG"] = home + "/.kube/k3s.yaml"
        let output = try await command.run(limit: .mebibytes(4))
        guard output.status.isSuccess else { throw Unready("kubectl \(arguments): \(output.errorText)") }
        return output.text
    }
}
