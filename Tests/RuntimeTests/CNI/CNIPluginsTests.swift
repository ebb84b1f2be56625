import APIMachinery
import Host
import Support
import Testing

@testable import Runtime

/// A folder with plug-ins that write down what they were told, and print what the test wants.
struct FakePlugins {
    let folder = "/tmp/k3s-cni-plugins-\(UInt64.random(in: 0...UInt64.max))"

    init() throws { try Files.makeDirectory(folder) }

    func remove() { try? Files.remove(folder) }

    /// Each run adds a line to `calls` and leaves its input in `NAME.COMMAND.json`.
    func add(_ name: String, prints answer: String, fails: Bool = false) throws {
        let script = """
            #!/bin/sh
            echo "\(name) $CNI_COMMAND $CNI_CONTAINERID $CNI_IFNAME $CNI_NETNS" >> \(folder)/calls
            cat > \(folder)/\(name).$CNI_COMMAND.json
            echo '\(answer)'
            exit \(fails ? 1 : 0)

            """
        try Files.write(script, to: Path.join(folder, name), mode: 0o755)
    }

    var calls: [String] { ((try? Files.readText(folder + "/calls")) ?? "").split(separator: "\n").map(String.init) }

    func input(_ name: String, _ command: String) throws -> Value {
        try Value(json: Files.read("\(folder)/\(name).\(command).json"))
    }

    /// Writes the description of a network of these plug-ins; returns its folder.
    func describe() throws -> String {
        let list: Value = [
            "name": "cbr0", "cniVersion": "1.0.0",
            "plugins": [
                ["type": "first", "ipam": ["type": "host-local"]],
                ["type": "second", "capabilities": ["bandwidth": true, "portMappings": false]],
            ],
        ]
        let net = folder + "/net.d"
        try Files.makeDirectory(net)
        try Files.write("unread", to: net + "/00-note.txt")
        try Files.write(list.json, to: net + "/10-flannel.conflist")
        try Files.write("{}", to: net + "/20-other.conf")
        return net
    }
}

@Suite struct CNIPluginsTests {
    private static let result = #"{"cniVersion":"1.0.0","ips":[{"address":"10.42.0.7/24"},{"address":"fd00::7/64"}]}"#

    private func attachment() -> CNIAttachment {
        var config = CRI.PodSandboxConfig()
        config.annotations = ["kubernetes.io/ingress-bandwidth": "1M", "kubernetes.io/egress-bandwidth": "nonsense"]
        var port = CRI.PortMapping()
        (port.hostPort, port.containerPort) = (80, 8080)
        config.portMappings = [port]
        return CNIAttachment(
            sandbox: "box", CRI.PodSandboxMetadata(name: "web", uid: "u", namespace: "shop"), namespace: "/proc/7/ns/net",
            capabilities: CNIAttachment.capabilities(config))
    }

    @Test func `plug-ins are called in order to join, and in reverse to leave`() async throws {
        let fake = try FakePlugins()
        defer { fake.remove() }
        try fake.add("first", prints: #"{"cniVersion":"1.0.0","ips":[]}"#)
        try fake.add("second", prints: Self.result)
        let network = try CNINetwork.read(folder: fake.describe())
        let plugins = CNIPlugins(folders: ["/nowhere", fake.folder])
        let result = try await plugins.add(attachment(), to: network)
        #expect(CNINetwork.addresses(in: result) == ["10.42.0.7", "fd00::7"])
        try await plugins.remove(attachment(), from: network, result: result)
        #expect(
            fake.calls == [
                "first ADD box eth0 /proc/7/ns/net", "second ADD box eth0 /proc/7/ns/net", "second DEL box eth0 /proc/7/ns/net",
                "first DEL box eth0 /proc/7/ns/net",
            ])
        let first = try fake.input("first", "ADD")
        #expect(
            first == ["type": "first", "ipam": ["type": "host-local"], "name": "cbr0", "cniVersion": "1.0.0"])
        let second = try fake.input("second", "ADD")
        #expect(second["prevResult"] == ["cniVersion": "1.0.0", "ips": []] && second["capabilities"] == nil)
        #expect(second["runtimeConfig"] == ["bandwidth": ["ingressRate": 1_000_000, "ingressBurst": 2_147_483_647]])
        // Leaving, each is told what came of it all.
        #expect(try fake.input("first", "DEL")["prevResult"] == result)
    }

    @Test func `one that fails says why, and the others leave all the same`() async throws {
        let fake = try FakePlugins()
        defer { fake.remove() }
        try fake.add("first", prints: Self.result)
        try fake.add("second", prints: #"{"code":7,"msg":"no room","details":"at all"}"#, fails: true)
        let network = try CNINetwork.read(folder: fake.describe())
        let plugins = CNIPlugins(folders: [fake.folder])
        let fault = await #expect(throws: Fault.self) { _ = try await plugins.add(attachment(), to: network) }
        #expect(fault?.summary == "the network plug-in second failed (ADD): no room: at all")
        await #expect(throws: Fault.self) { try await plugins.remove(attachment(), from: network, result: nil) }
        #expect(fake.calls.last?.hasPrefix("first DEL") == true)
    }

    @Test func `a plug-in that is not there is named`() async throws {
        let fake = try FakePlugins()
        defer { fake.remove() }
        let network = try CNINetwork.read(folder: fake.describe())
        let fault = await #expect(throws: Fault.self) {
            _ = try await CNIPlugins(folders: [fake.folder]).add(attachment(), to: network)
        }
        #expect(fault?.code == .notFound && fault?.summary.contains("first") == true)
    }

    @Test func `what a plug-in is told by its environment`() {
        let environment = attachment().environment("ADD", folders: ["/a", "/b"])
        #expect(environment["CNI_PATH"] == "/a:/b" && environment["CNI_COMMAND"] == "ADD")
        #expect(
            environment["CNI_ARGS"]
                == "IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web;K8S_POD_INFRA_CONTAINER_ID=box;K8S_POD_UID=u")
    }

    @Test func `one plug-in alone is a list of one, and nonsense is none`() throws {
        let alone = try CNINetwork(["name": "n", "cniVersion": "0.4.0", "type": "bridge"], source: "it")
        #expect(alone.plugins.map { $0["type"] } == ["bridge"])
        for wrong: Value in [
            [:], ["name": "n", "plugins": []], ["plugins": [["type": "a"]]], ["name": "n", "plugins": [["type": "../a"]]],
            ["name": "n", "plugins": [["name": "a"]]],
        ] {
            #expect(throws: Fault.self) { try CNINetwork(wrong, source: "it") }
        }
        let fault = #expect(throws: Fault.self) { try CNINetwork.read(folder: "/nowhere/at/all") }
        #expect(fault?.code == .notFound)
    }
}
