import Host
import Support
import Testing

/// What keeps `k3s server` from starting: each ends at once with one sentence and exit code 1.
@Suite(.serialized) struct StartMistakesTests {
    struct Mistake: Sendable, CustomTestStringConvertible {
        var what: String
        /// Behind `k3s server`.
        var arguments: [String] = []
        /// Shell that sets the scene, with the folder as `$F`.
        var setting = "true"
        var wrapper: [String] = []
        /// A part of the sentence.
        var says: String
        var testDescription: String { what }
    }

    private static let nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]

    static let mistakes = [
        Mistake(what: "an unknown flag", arguments: ["--nope"], says: "unknown flag --nope"),
        Mistake(
            what: "a flag without its value", arguments: ["--data-dir"],
            says: "flag needs an argument: --data-dir"),
        Mistake(what: "a stray word", arguments: ["start"], says: "unexpected argument \"start\""),
        Mistake(
            what: "a port that is none", arguments: ["--https-listen-port", "70000"],
            says: "--https-listen-port 70000 is no port"),
        Mistake(
            what: "a port in letters", arguments: ["--https-listen-port", "http"],
            says: "--https-listen-port takes a number, not \"http\""),
        Mistake(
            what: "a bad taint", arguments: ["--node-taint", "a=b"],
            says: "--node-taint a=b is not of the form key=value:effect"),
        Mistake(
            what: "a bad effect", arguments: ["--node-taint", "a=b:Never"],
            says: "--node-taint a=b:Never is not of the form"),
        Mistake(what: "a bad label", arguments: ["--node-label", "a b=c"], says: "--node-label a b=c"),
        Mistake(what: "a bad node name", arguments: ["--node-name", "Node_1"], says: "--node-name Node_1"),
        Mistake(
            what: "a bad range", arguments: ["--service-cidr", "10.43.0.0"],
            says: "--service-cidr 10.43.0.0 is no CIDR"),
        Mistake(
            what: "a bad mode", arguments: ["--write-kubeconfig-mode", "rw"],
            says: "--write-kubeconfig-mode rw is no octal file mode"),
        Mistake(
            what: "an admission plug-in that is none",
            arguments: ["--kube-apiserver-arg", "enable-admission-plugins=NoSuch"],
            says: "--enable-admission-plugins: there is no admission plug-in NoSuch"),
        Mistake(what: "a foreign address", arguments: ["--bind-address", "192.0.2.1"], says: "192.0.2.1"),
        Mistake(
            what: "a missing configuration", arguments: ["--config", "/nowhere.yaml"],
            says: "/nowhere.yaml"),
        Mistake(
            what: "a configuration that is no YAML",
            setting: "mkdir -p $F/etc/k3s && echo 'a: [' >$F/etc/k3s/config.yaml",
            says: "is not YAML"),
        Mistake(
            what: "a configuration that is no map",
            setting: "mkdir -p $F/etc/k3s && echo '- a' >$F/etc/k3s/config.yaml",
            says: "must be a map of options"),
        Mistake(
            what: "a configured value that is wrong",
            setting: "mkdir -p $F/etc/k3s && echo 'https-listen-port: x' >$F/etc/k3s/config.yaml",
            says: "--https-listen-port takes a number"),
        Mistake(what: "no rights", wrapper: nobody, says: "must run as root"),
        Mistake(
            what: "a log that cannot be written", arguments: ["--log", "/proc/nowhere/log"],
            says: "/proc/nowhere/log"),
        Mistake(
            what: "a token file that is missing", arguments: ["--token-file", "/nowhere"],
            says: "/nowhere"),
        Mistake(
            what: "a data directory that cannot be", arguments: ["--data-dir", "/proc/nowhere"],
            says: "/proc/nowhere"),
        Mistake(what: "a data directory that is a file", setting: "touch $F/data", says: "/data"),
        Mistake(
            what: "a data directory on a read-only disk",
            setting: "mkdir $F/data && mount -t tmpfs -o ro tmpfs $F/data",
            says: "Read-only file system"),
        Mistake(
            what: "a full disk",
            setting: "mkdir $F/data && mount -t tmpfs -o size=4k tmpfs $F/data && "
                + "{ cat /dev/zero >$F/data/filler; true; } 2>/dev/null",
            says: "no space is left for the database"),
        Mistake(
            what: "a kubeconfig that cannot be written",
            arguments: ["--write-kubeconfig", "/proc/nowhere/config"],
            says: "/proc/nowhere"),
        Mistake(
            what: "a database that is none",
            setting: "mkdir -p $F/data/server/db && echo 'this is no database' >$F/data/server/db/state.db",
            says: "state.db"),
        Mistake(
            what: "a database of another program",
            setting: "mkdir -p $F/data/server/db && sqlite3 $F/data/server/db/state.db 'CREATE TABLE a (b)'",
            says: "state.db"),
        Mistake(
            what: "an authority without its key",
            setting: "mkdir -p $F/data/server/tls && echo x >$F/data/server/tls/client-ca.crt",
            says: "client-ca.crt"),
    ]

    @Test(arguments: mistakes) func `a start that cannot be ends at once with one sentence`(
        _ mistake: Mistake
    ) async throws {
        let folder = try TestServer.makeFolder()
        defer { try? Files.remove(folder) }
        var arguments = ["server", "--disable-agent", "--node-ip", "127.0.0.1"]
        if !mistake.arguments.contains("--data-dir") { arguments += ["--data-dir", folder + "/data"] }
        if !mistake.arguments.contains("--write-kubeconfig") {
            arguments += ["--write-kubeconfig", folder + "/kubeconfig"]
        }
        let command = TestServer.isolated(
            folder, arguments + mistake.arguments, setting: "F='\(folder)' && { \(mistake.setting); }",
            wrapper: ["timeout", "10"] + mistake.wrapper)
        let sentence = try await TestServer.refusal(of: command)
        #expect(sentence.contains(mistake.says))
    }

    @Test(arguments: [
        (["agent"], "k3s agent is not part of this version yet"), (["serve"], "unknown command \"serve\""),
    ]) func `a command that is not there is told so`(_ arguments: [String], _ sentence: String) async throws {
        let said = try await TestServer.refusal(of: Command(TestServer.binary, arguments))
        #expect(said.hasPrefix("k3s: " + sentence))
    }

    @Test func `a second server on the same state or port is told so`() async throws {
        try await TestServer.with { server in
            let other = try TestServer.makeFolder()
            defer { try? Files.remove(other) }
            for (data, port, sentence) in [
                (other, server.port, "in use"), (server.folder, try TestServer.freePort(), "in use by another process"),
            ] {
                let arguments = [
                    "server", "--disable-agent", "--data-dir", data + "/data", "--https-listen-port", "\(port)",
                    "--bind-address", "127.0.0.1", "--node-ip", "127.0.0.1", "--write-kubeconfig", other + "/kubeconfig",
                ]
                let command = TestServer.isolated(other, arguments, wrapper: ["timeout", "10"])
                #expect(try await TestServer.refusal(of: command).contains(sentence))
            }
            #expect(try await RawClient(server).get("/readyz").code == 200)
        }
    }

    @Test func `a second start on a machine leaves the first alone`() async throws {
        try await TestNode.with { node, server in
            try await server.must("run", "client", "--image=busybox:1", "--", "sleep", "1000")
            try await server.must("wait", "--for=condition=Ready", "pod/client", "--timeout=50s")
            let runtime = ["-c", "pidof containerd; cat /etc/rancher/k3s/k3s.yaml"]
            let before = try await node.command("/bin/sh", runtime).run().text
            for arguments in [[], ["--data-dir", node.folder + "/other"], ["--https-listen-port", "7443"]] {
                let said = try await TestServer.refusal(of: try node.start(of: arguments))
                #expect(["in use", "another k3s"].contains { said.contains($0) }, "\(said)")
            }
            #expect(try await node.command("/bin/sh", runtime).run().text == before)
            #expect(try await server.shell("client", "echo there").text == "there\n")
        }
    }

    @Test func `a start that cannot be leaves nothing running`() async throws {
        try await TestNode.bare { node in
            for (port, arguments) in [(6443, []), (7443, ["--https-listen-port", "7443"]), (10_250, []), (53, [])] {
                let taken = try node.take(UInt16(port))
                let said = try await TestServer.refusal(of: try node.start(of: arguments))
                #expect(said.contains(":\(port) is already in use"), "\(said)")
                withExtendedLifetime(taken) {}
            }
            // It would have made its folder, had it been begun before the ports were ours.
            #expect(try await node.command("/bin/sh", ["-c", "ls /run/k3s; pidof containerd"]).run().text == "")
            let said = try await TestServer.refusal(of: try node.start(of: ["--token", "K10"]))
            #expect(said.contains("token"), "\(said)")
            #expect(try await node.command("/bin/sh", ["-c", "pidof containerd"]).run().text == "")
            let server = try await node.start()
            try await server.stop(.terminate)
        }
    }

    @Test func `a damaged database is refused, whatever is damaged, and is left as it is`() async throws {
        let folder = try TestServer.makeFolder()
        defer { try? Files.remove(folder) }
        let first = try await TestServer.start(in: folder)
        for number in 0..<20 { _ = try await first.kubectl("create", "configmap", "c\(number)", "--from-literal=x=y") }
        _ = try await first.stop(.terminate)
        let path = folder + "/data/server/db/state.db"
        let whole = try Files.read(path)
        let damages: [(String, ([UInt8]) -> [UInt8])] = [
            ("cut in half", { Array($0.prefix($0.count / 2)) }),
            ("a page of zeros", { Array($0.prefix(8192)) + [UInt8](repeating: 0, count: 4096) + $0.dropFirst(12_288) }),
        ]
        for (what, damage) in damages {
            let damaged = damage(whole)
            try Files.write(damaged, to: path)
            let arguments = [
                "server", "--disable-agent", "--data-dir", folder + "/data", "--node-ip", "127.0.0.1",
                "--write-kubeconfig", folder + "/kubeconfig",
            ]
            let command = TestServer.isolated(folder, arguments, wrapper: ["timeout", "10"])
            #expect(try await TestServer.refusal(of: command).contains("state.db"), "\(what)")
            #expect(try Files.read(path) == damaged, "\(what)")
        }
        try Files.write(whole, to: path)
        let again = try await TestServer.start(in: folder)
        #expect(try await again.kubectl("get", "configmap", "c19", "-o", "name").text == "configmap/c19\n")
        _ = try await again.stop(.terminate)
    }
}
