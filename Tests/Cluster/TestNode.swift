import Host
import Support
import Testing

/// A machine to itself for a whole k3s: own network, processes and folders, all of it gone when the test ends.
///
/// The first process of its process namespace holds it together: when that ends, the kernel ends everything in it,
/// containers included, and with the last process go the network and the mounts.
final class TestNode: Sendable {
    static let address = "10.211.0.2"
    let folder: String
    private let holder: ChildProcess

    /// `Tools/node`, from the place of this file.
    private static let script = #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 } + "/Tools/node"

    private init(folder: String, holder: ChildProcess) {
        self.folder = folder
        self.holder = holder
    }

    /// Makes a node and a registry of images on it, starts k3s, runs the test, and leaves nothing behind.
    static func with<R>(
        _ arguments: [String] = [], _ body: (TestNode, Server) async throws -> R
    ) async throws -> R {
        try await bare { node in
            try await TestRegistry.start(on: node)
            return try await body(node, try await node.start(arguments))
        }
    }

    /// Makes a node on which nothing runs yet, runs the test, and leaves nothing behind.
    static func bare<R>(_ body: (TestNode) async throws -> R) async throws -> R {
        let node = try await make()
        do {
            let result = try await body(node)
            try await node.end()
            return result
        } catch {
            // What the server said last explains most failures, and containerd the others.
            Attachment.record(node.log, named: "k3s.log")
            let runtime = node.folder + "/var/lib/rancher/k3s/agent/containerd/containerd.log"
            Attachment.record((try? Files.readText(runtime)) ?? "", named: "containerd.log")
            try? await node.end()
            throw error
        }
    }

    private static func make() async throws -> TestNode {
        let folder = try TestServer.makeFolder()
        let words = ["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", script, folder]
        var command = Command("/usr/bin/unshare", words)
        command.output = .null
        command.parentDeathSignal = .kill
        let node = TestNode(folder: folder, holder: try await command.start())
        try await eventually("the namespaces of the node") { Files.exists(folder + "/ready") }
        return node
    }

    /// Ends all of it. The processes of the namespace die with the holder.
    private func end() async throws {
        // `unshare` takes its child with it.
        try? holder.send(.kill)
        _ = try? await holder.wait()
        try? await removeCgroups()
        try await eventually("the folder of the node is free") {
            (try? Files.remove(folder)) != nil || !Files.exists(folder)
        }
    }

    /// Groups of pods, which the kernel keeps until somebody removes them: not before their last processes, which take
    /// a moment to end.
    private func removeCgroups() async throws {
        let find = "find /sys/fs/cgroup -depth -type d -path '*/\(cgroup)*'"
        try await eventually("the control groups of the node are free") {
            try await Command("/bin/sh", ["-c", "\(find) -exec rmdir {} + 2>/dev/null; \(find)"]).run().output.isEmpty
        }
    }

    /// Below it are all control groups of the node's pods.
    var cgroup: String { "k3s-test-" + (folder.split(separator: "-").last.map(String.init) ?? "") }

    // MARK: Processes on it

    /// As this machine numbers it: the child of `unshare`.
    private var firstProcess: Int32? { Self.child(of: holder.pid) }

    private static func child(of pid: Int32) -> Int32? {
        let children = try? Files.readText("/proc/\(pid)/task/\(pid)/children")
        return children?.split(separator: " ").first.flatMap { Int32($0) }
    }

    /// A command that runs on the node.
    func command(_ executable: String, _ arguments: [String], environment: [String: String] = [:]) throws -> Command {
        guard let first = firstProcess else { throw Unready("the node is gone") }
        let variables = Command.ownEnvironment.merging(environment) { $1 }
        let words = ["-t", "\(first)", "-m", "-n", "-p", executable] + arguments
        return Command("/usr/bin/nsenter", words, environment: variables)
    }

    /// Runs a script of bash on the node, which ends at the first command that fails, and returns what it printed.
    @discardableResult
    func shell(_ script: String) async throws -> String {
        let outcome = try await command("/bin/bash", ["-euo", "pipefail", "-c", script]).run(limit: .mebibytes(8))
        guard outcome.status.isSuccess else {
            throw Unready("\(script.prefix(200)): \(outcome.status) \(outcome.errorText)")
        }
        return outcome.text
    }

    /// Ends containerd, which k3s then starts again, or the next k3s does.
    func killContainerd() async throws {
        try await shell(#"kill -9 "$(grep -o '"pid":[0-9]*' /run/k3s/containerd/k3s-process.json | cut -d : -f 2)""#)
    }

    /// What k3s printed.
    var log: String { (try? Files.readText(folder + "/log")) ?? "" }

    /// A port of the node that another program has.
    func take(_ port: UInt16) throws -> TakenPort {
        guard let first = firstProcess else { throw Unready("the node is gone") }
        return try NetworkNamespace(path: "/proc/\(first)/ns/net").perform { () throws(Fault) in try TakenPort(port) }
    }

    /// A start of k3s, which ends within ten seconds.
    func start(of arguments: [String]) throws -> Command {
        try command("/usr/bin/timeout", ["10", TestServer.binary] + words + arguments)
    }

    private var words: [String] {
        [
            "server", "--node-name", "node-1", "--node-ip", Self.address, "--kubelet-arg", "cgroup-root=/" + cgroup,
        ]
    }

    /// Starts k3s.
    func begin(_ arguments: [String] = [], environment: [String: String] = [:]) async throws -> Server {
        let words = words + ["--log", folder + "/log"] + arguments
        var command = try command(TestServer.binary, words, environment: environment)
        command.output = .null
        return Server(node: self, process: try await command.start())
    }

    /// Starts k3s and returns when its node is Ready.
    func start(_ arguments: [String] = []) async throws -> Server {
        let server = try await begin(arguments)
        try await eventually("the node is Ready", within: .seconds(60)) {
            try await server.kubectl("get", "node", "node-1").text.contains(" Ready ")
        }
        return server
    }

    /// A running k3s and the unmodified kubectl beside it.
    struct Server: Sendable {
        let node: TestNode
        let process: ChildProcess

        func kubectl(_ arguments: String..., input: String? = nil) async throws -> Command.Output {
            try await kubectl(arguments, input: input)
        }

        func kubectl(
            _ arguments: [String], input: String? = nil, environment: [String: String] = [:]
        ) async throws -> Command.Output {
            var words = arguments
            if let input {
                let file = "\(node.folder)/input-\(UInt64.random(in: 0...UInt64.max)).yaml"
                try Files.write(Array(input.utf8), to: file)
                words += ["-f", file]
            }
            let variables = environment.merging(["KUBECONFIG": "/etc/rancher/k3s/k3s.yaml"]) { $1 }
            // Nothing that is tested takes longer: a test that hangs must fail instead.
            let limited = ["60", "/usr/bin/kubectl"] + words
            return try await node.command("/usr/bin/timeout", limited, environment: variables).run(limit: .mebibytes(8))
        }

        /// Runs kubectl and fails the test with what it said when it does not succeed.
        @discardableResult
        func must(
            _ arguments: String..., input: String? = nil, at location: SourceLocation = #_sourceLocation
        ) async throws -> String {
            let outcome = try await kubectl(arguments, input: input)
            #expect(outcome.status.isSuccess, "kubectl \(arguments): \(outcome.errorText)", sourceLocation: location)
            return outcome.text
        }

        /// A shell command in a container.
        func shell(_ pod: String, _ script: String) async throws -> Command.Output {
            try await kubectl(["exec", pod, "--", "sh", "-c", script])
        }

        func stop(_ signal: Signal) async throws {
            // `nsenter` waits for the process that it started in the namespaces.
            guard let child = TestNode.child(of: process.pid), let k3s = ProcessIdentity(pid: child) else {
                throw Unready("k3s does not run")
            }
            try k3s.send(signal)
            _ = try await process.wait()
        }
    }
}

/// Asks again in short intervals until `condition` holds. The condition's own faults count as "not yet".
func eventually(
    _ what: String, within limit: Duration = .seconds(30), _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    while ContinuousClock.now < deadline {
        if (try? await condition()) == true { return }
        try await Task.sleep(for: .milliseconds(50))
    }
    throw Unready("\(what): not within \(limit)")
}
