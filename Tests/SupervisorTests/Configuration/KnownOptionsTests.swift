import Host
import Support
import Testing

@testable import Supervisor

@Suite struct KnownOptionsTests {
    private static func server(_ arguments: String...) throws -> ServerConfiguration {
        try ServerConfiguration(OptionValues(arguments, options: Option.server))
    }

    @Test(arguments: [
        "node-name-from-cloud-provider-metadata", "nonroot-devices", "vpn-auth=name=tailscale",
        "vpn-auth-file=/f", "node-external-dns=a.example", "node-internal-dns=a.example",
    ])
    func `what is not built says so`(argument: String) throws {
        let fault = #expect(throws: Fault.self) { try Self.server("--" + argument) }
        let name = argument.prefix { $0 != "=" }
        #expect(fault?.summary.hasPrefix("--\(name) is not part of this version yet: ") == true)
        #expect(fault?.code == .unsupported)
    }

    @Test func `what is not wanted may be said`() throws {
        let server = try Self.server(
            "--docker=false", "--rootless=false", "--enable-pprof=false", "--disable-helm-controller",
            "--disable-network-policy", "--alsologtostderr")
        #expect(server.warnings.isEmpty)
    }

    @Test func `what changes nothing is told`() throws {
        let server = try Self.server(
            "--enable-pprof", "--vmodule=a=1", "--lb-server-port=6555", "--alsologtostderr", "--log=/f",
            "--kube-proxy-arg=v=1", "--kube-cloud-controller-manager-arg=v=2", "--kube-controller-manager-arg=v=3",
            "--kube-apiserver-arg=v=4")
        let expected = [
            "--alsologtostderr", "--enable-pprof", "--lb-server-port", "--vmodule", "--kube-apiserver-arg: v",
            "--kube-controller-manager-arg: v", "--kube-cloud-controller-manager-arg: v", "--kube-proxy-arg: v",
        ]
        #expect(server.warnings.count == expected.count)
        for (warning, beginning) in zip(server.warnings, expected) {
            #expect(warning.hasPrefix(beginning + " changes nothing in this version"), "\(warning)")
        }
    }

    @Test func `parts may be left out`() throws {
        let all = try Self.server().parts
        #expect(all.hasScheduler && all.hasServiceProxy && all.hasCloudController)
        let none = try Self.server("--disable-scheduler", "--disable-kube-proxy", "--disable-cloud-controller").parts
        #expect(!none.hasScheduler && !none.hasServiceProxy && !none.hasCloudController)
    }

    @Test func `a registry for all of k3s' images stands before their names`() throws {
        let node = try Self.server("--system-default-registry=reg.example.com:5000/k3s").node
        #expect(node.systemRegistry == "reg.example.com:5000/k3s" && node.pauseImage == nil)
        #expect(try Self.server().node.systemRegistry == nil && node.importRegistries == ["reg.example.com:5000/k3s"])
        let more = ["a.example.com", "b.example.com"].flatMap { ["--airgap-extra-registry", $0] }
        let own = "--system-default-registry=b.example.com"
        #expect(try Self.server(more[0], more[1], more[2], more[3], own).node.importRegistries == [more[1], more[3]])
        #expect(throws: Fault.self) { try Self.server("--airgap-extra-registry", "https://a") }
        for text in ["https://reg.example.com", "reg example", "/reg", "reg/"] {
            #expect(throws: Fault.self) { try Self.server("--system-default-registry=" + text) }
        }
    }

    @Test func `a node's name may have a number of the machine`() throws {
        let folder = "/tmp/k3s-node-id-\(UInt32.random(in: 0...UInt32.max))"
        defer { try? Files.remove(folder) }
        let first = try NodeIdentifier.take(folder + "/node/id")
        #expect(first.utf8.count == 8 && UInt32(first, radix: 16) != nil)
        #expect(try NodeIdentifier.take(folder + "/node/id") == first)
        #expect(try Files.readText(folder + "/node/id") == first + "\n")
        try Files.write(" cafe0001\n", to: folder + "/id", mode: 0o600)
        #expect(try NodeIdentifier.take(folder + "/id") == "cafe0001")
        try Files.write("\n", to: folder + "/id", mode: 0o600)
        #expect(throws: Fault.self) { try NodeIdentifier.take(folder + "/id") }
        #expect(try Self.server("--with-node-id").node.hasIdentifier && !(Self.server().node.hasIdentifier))
    }
}
