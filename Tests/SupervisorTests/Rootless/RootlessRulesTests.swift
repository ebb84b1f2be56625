import Host
import Support
import Testing

@testable import Supervisor

/// What is decided about a k3s without root before anything is made.
@Suite struct RootlessRulesTests {
    // MARK: Ids

    @Test(arguments: [
        ("me:100000:65536\n", ["0", "1000", "1", "1", "100000", "65536"]),
        (
            "# comment\nyou:1:2\nme:100000:10\n1000:200000:20\n",
            ["0", "1000", "1", "1", "100000", "10", "11", "200000", "20"]
        ),
        // The same again, by name and by number, or in part.
        (
            "me:100000:10\n1000:100000:10\nme:100005:10\nme:99995:6\nme:99995:5\n",
            ["0", "1000", "1", "1", "100000", "10", "11", "99995", "5"]
        ),
        ("me:x:1\nme:1\nme:1:0\nme:-1:5\nme:4294967295:2\nmemo:5:5\n\n", ["0", "1000", "1"]),
        (
            "me:5:4000000000\nme:4000000005:294967290\n",
            ["0", "1000", "1", "1", "5", "4000000000", "4000000001", "4000000005", "294967290"]
        ),
    ])
    func `who is who within follows from the administrator's file`(file: String, map: [String]) {
        #expect(SubordinateIDs(file: file, name: "me", id: 1000).map(own: 1000) == map)
    }

    @Test func `the last id of all is nobody's`() {
        let ids = SubordinateIDs(file: "me:0:4294967295\n", name: "me", id: 1000)
        #expect(ids.count == 4_294_967_295)
        #expect(ids.map(own: 1000).suffix(3) == ["1", "0", "4294967293"])
    }

    // MARK: Settings

    @Test func `what nobody says is as k3s has it`() throws {
        let settings = try RootlessSettings([:])
        #expect(
            settings.slirpArguments(process: 7) == [
                "--configure", "--mtu=65520", "--cidr=10.41.0.0/16", "--ready-fd=3",
                "--disable-host-loopback", "7",
                "tap0",
            ])
        #expect(
            "\(settings.nameServer)" == "10.41.0.3" && settings.copiedUp.isEmpty && settings.warnings.isEmpty)
    }

    @Test func `the environment has its say`() throws {
        let settings = try RootlessSettings([
            "K3S_ROOTLESS_MTU": "1400", "K3S_ROOTLESS_CIDR": "192.168.64.0/24",
            "K3S_ROOTLESS_ENABLE_IPV6": "T",
            "K3S_ROOTLESS_DISABLE_HOST_LOOPBACK": "false", "K3S_ROOTLESS_COPYUPDIRS": "/opt,/srv",
            "K3S_ROOTLESS_PORT_DRIVER": "builtin",
        ])
        #expect(
            settings.slirpArguments(process: 1) == [
                "--configure", "--mtu=1400", "--cidr=192.168.64.0/24", "--ready-fd=3", "--enable-ipv6", "1",
                "tap0",
            ])
        #expect("\(settings.nameServer)" == "192.168.64.3" && settings.copiedUp == ["/opt", "/srv"])
        #expect(settings.warnings.isEmpty)
    }

    @Test(arguments: [
        ("MTU", "many"), ("MTU", "1"), ("MTU", "99999"), ("ENABLE_IPV6", "yes"),
        ("DISABLE_HOST_LOOPBACK", "no"),
        ("PORT_DRIVER", "slirp4netns"),
    ])
    func `what cannot be understood is told and does not count`(name: String, value: String) throws {
        var settings = try RootlessSettings(["K3S_ROOTLESS_" + name: value])
        #expect(settings.warnings.count == 1)
        #expect(settings.warnings.first?.hasPrefix("K3S_ROOTLESS_\(name)=\(value) ") == true)
        settings.warnings = []
        #expect(try settings == RootlessSettings(["K3S_ROOTLESS_CIDR": ""]))
    }

    @Test(arguments: [
        ("10.41.0.1/16", "host identifier bits must not be set"), ("fd00::/64", "is no network of IPv4"),
        ("10.41.0.0", "is no network"), ("10.41.0.0/26", "between 1 and 25"),
        ("0.0.0.0/0", "between 1 and 25"),
    ])
    func `a network that is none ends the start`(value: String, says: String) {
        let fault = #expect(throws: Fault.self) { try RootlessSettings(["K3S_ROOTLESS_CIDR": value]) }
        #expect(fault?.summary.contains(says) == true, "\(fault?.summary ?? "")")
    }

    // MARK: Control groups

    private static func group(_ controllers: Set<String>, isWritable: Bool = true) -> CgroupDelegation {
        CgroupDelegation(directory: "/g", controllers: controllers, isWritable: isWritable)
    }

    @Test(
        arguments: [
            (group(["cpu", "pids", "memory"]), true, "delegated"),
            (group(["cpu", "pids"]), true, "delegated"),
            (group(["cpu", "pids"]), false, "none"), (nil, false, "none"), (group([]), false, "none"),
            (nil, true, "has no cgroup v2"), (group(["memory", "pids"]), true, "/g lacks cpu"),
            (group([]), true, "/g lacks cpu and pids"),
            (group(["cpu", "pids"], isWritable: false), true, "/g is not this user's"),
        ] as [(CgroupDelegation?, Bool, String)])
    func `control groups are those that were left to the user`(
        delegation: CgroupDelegation?, areWanted: Bool, outcome: String
    ) {
        let said: String
        do throws(Fault) { said = try RootlessCgroups(delegation, areWanted: areWanted).rawValue } catch {
            said = error.summary
            #expect(said.hasPrefix("delegated cgroup v2 controllers are required for rootless"))
        }
        #expect(said.hasSuffix(outcome), "\(said)")
    }

    // MARK: Places

    @Test func `everything is the user's`() throws {
        let layout = RootlessLayout(
            dataDirectory: "/home/me/.rancher/k3s", runtimeDirectory: "/run/user/1000")
        #expect(layout.lock == "/home/me/.rancher/k3s/rootless/lock")
        #expect(
            layout.places.map { "\($0.path) \($0.source)" } == [
                "/var/log /home/me/.rancher/k3s/logs", "/var/lib/cni /home/me/.rancher/k3s/cni",
                "/var/lib/kubelet /home/me/.rancher/k3s/kubelet",
                "/etc/rancher /home/me/.rancher/k3s/etc/rancher",
                "/run/k3s/containerd /run/user/1000/k3s/containerd",
            ])
        #expect(RootlessLayout(dataDirectory: "/d", runtimeDirectory: nil).places.count == 4)
        #expect(RootlessLayout.ofHost("/etc/rancher/k3s/config.yaml") == "/etc/.host/rancher/k3s/config.yaml")
        #expect(RootlessLayout.ofHost("/home/me/k3s.yaml") == "/home/me/k3s.yaml")
    }

    private static func server(_ home: String?, _ arguments: String...) throws -> ServerConfiguration {
        try ServerConfiguration(OptionValues(arguments, options: Option.server), home: home)
    }

    @Test func `a server without root lives in the user's home`() throws {
        let server = try Self.server("/home/me", "--rootless", "--bind-address=192.0.2.1")
        #expect(
            server.dataDirectory == "/home/me/.rancher/k3s"
                && server.kubeconfigPath == "/home/me/.kube/k3s.yaml")
        #expect(server.localStoragePath == "/home/me/.rancher/k3s/storage")
        // Of the host, to which the address belongs, and of its own network.
        #expect(server.ownBindAddress == "0.0.0.0")
        #expect(try server.hostAddress() == IPAddress("192.0.2.1"))
        let told = try Self.server(
            "/home/me", "--rootless", "--data-dir=/d", "--write-kubeconfig=/k", "--disable-agent")
        #expect(
            told.dataDirectory == "/d" && told.kubeconfigPath == "/k"
                && told.ownBindAddress == told.bindAddress)
        let root = try Self.server("/home/me", "--rootless=false")
        #expect(
            root.dataDirectory == "/var/lib/rancher/k3s" && root.kubeconfigPath == nil && !root.isRootless)
        for home in [nil, "", "here"] {
            let fault = #expect(throws: Fault.self) { try Self.server(home, "--rootless") }
            #expect(fault?.remedy?.contains("HOME") == true)
        }
    }
}
