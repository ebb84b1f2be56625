import Glibc
import Support
import Testing

@testable import Host

/// Against the real kernel, each in a namespace of its own that goes with the test.
@Suite struct NetworkStackTests {
    private let namespace: NetworkNamespace
    private let stack: NetworkStack

    init() throws {
        namespace = try .create()
        stack = try NetworkStack(in: namespace)
    }

    @Test func `a new namespace has a loopback interface, which can be switched on`() throws {
        let links = try stack.links()
        let loopback = try #require(links.first { $0.isLoopback })
        #expect(loopback.name == "lo")
        #expect(!loopback.isUp)
        try stack.setUp(true, link: loopback.index)
        #expect(try stack.link(named: "lo")?.isUp == true)
        #expect(try stack.link(named: "nothing") == nil)
        #expect(try stack.link(index: 4711) == nil)
    }

    @Test func `a bridge with a cable to another namespace carries a packet`() async throws {
        let pod = try NetworkNamespace.create()
        let podStack = try NetworkStack(in: pod)
        let bridge = try stack.addBridge("cni0", mtu: 1450)
        let cable = try stack.addVeth("veth1", peer: "eth0", in: pod, mtu: 1450)
        try stack.setMaster(bridge.index, link: cable.index)
        try stack.setHairpin(true, link: cable.index)
        #expect(try stack.link(index: cable.index)?.master == bridge.index)
        let end = try #require(try podStack.link(named: "eth0"))
        #expect(end.kind == "veth" && end.mtu == 1450)
        try stack.add(InterfaceAddress(try prefix("10.42.0.1/24"), link: bridge.index))
        try podStack.add(InterfaceAddress(try prefix("10.42.0.7/24"), link: end.index))
        for link in [bridge.index, cable.index] { try stack.setUp(true, link: link) }
        try podStack.setUp(true, link: end.index)
        try podStack.replace(Route(to: try prefix("0.0.0.0/0"), via: IPAddress("10.42.0.1"), link: end.index))

        let route = try #require(try podStack.defaultRoutes(.v4).first)
        #expect(route.gateway == IPAddress("10.42.0.1") && route.link == end.index)
        try await Conversation.expect("pod", from: namespace, to: pod, at: "10.42.0.7", port: 8080)
        try #expect(#require(try podStack.link(named: "eth0")).traffic.receivedBytes > 0)
    }

    @Test func `the interface of a flannel network is made as iproute2 shows it`() async throws {
        let mac = try #require(MACAddress("0a:58:0a:2a:00:01"))
        let under = try stack.addBridge("eth0")
        let device = try stack.addVXLAN(
            "flannel.1", VXLAN(identifier: 1, local: IPAddress("192.0.2.1"), device: under.index), mtu: 1450,
            mac: mac)
        #expect(device.vxlan == VXLAN(identifier: 1, local: IPAddress("192.0.2.1"), device: under.index))
        try stack.setUp(true, link: under.index)
        try stack.setUp(true, link: device.index)
        try stack.add(InterfaceAddress(try prefix("10.42.0.0/32"), link: device.index))
        let peer = try #require(MACAddress("0a:58:0a:2a:01:01"))
        let (gateway, host) = (try address("10.42.1.0"), try address("192.0.2.2"))
        let route = Route(to: try prefix("10.42.1.0/24"), via: gateway, link: device.index, isOnLink: true)
        let neighbour = Neighbour(gateway, mac: peer, link: device.index)
        let entry = ForwardingEntry(peer, to: host, link: device.index)
        for _ in 0..<2 {
            try stack.replace(route)
            try stack.replace(neighbour)
            try stack.replace(entry)
        }
        #expect(try stack.routes().contains(route))
        #expect(try stack.neighbours(of: device.index) == [neighbour])
        #expect(try stack.forwardingEntries(of: device.index) == [entry])
        let shown = try await namespace.output(of: "ip", "-d", "link", "show", "flannel.1")
        #expect(shown.contains("vxlan id 1 local 192.0.2.1 dev eth0 srcport 0 0 dstport 8472 nolearning"))
        #expect(
            try await namespace.output(of: "ip", "route").contains("10.42.1.0/24 via 10.42.1.0 dev flannel.1")
        )
        for _ in 0..<2 {
            try stack.delete(route)
            try stack.delete(neighbour)
            try stack.delete(entry)
        }
        #expect(try !stack.routes().contains(route))
        #expect(try stack.neighbours(of: device.index).isEmpty)
        #expect(try stack.forwardingEntries(of: device.index).isEmpty)
        try stack.delete(link: device.index)
        try stack.delete(link: device.index)
        #expect(try stack.link(named: "flannel.1") == nil)
    }

    @Test func `addresses of both families come and go`() throws {
        let link = try stack.addBridge("dummy0")
        try stack.setUp(true, link: link.index)
        let addresses = try ["10.43.0.10/32", "fd00:43::a/128"].map {
            InterfaceAddress(try prefix($0), link: link.index)
        }
        for address in addresses + addresses { try stack.add(address) }
        #expect(try Set(stack.addresses(of: link.index).filter(\.isGlobal)) == Set(addresses))
        for address in addresses + addresses { try stack.delete(address) }
        #expect(try stack.addresses(of: link.index).filter(\.isGlobal).isEmpty)
    }

    @Test func `a refusal is a fault with the kernel's own words`() throws {
        try stack.addBridge("taken")
        let taken = #expect(throws: Fault.self) { try stack.addBridge("taken") }
        #expect(taken?.code == .conflict)
        let unreachable = #expect(throws: Fault.self) {
            try stack.replace(Route(to: try prefix("10.42.1.0/24"), via: IPAddress("192.0.2.9")))
        }
        #expect(unreachable?.summary.hasSuffix("(Nexthop has invalid gateway)") == true)
    }

    @Test func `links are renamed, resized and moved`() throws {
        let other = try NetworkNamespace.create()
        let link = try stack.addVeth("one", peer: "end")
        try stack.rename(link: link.index, to: "two")
        try stack.setMTU(1400, link: link.index)
        let mac = try #require(MACAddress("0a:58:00:00:00:02"))
        try stack.setMAC(mac, link: link.index)
        try stack.move(link: link.index, to: other)
        #expect(try stack.link(named: "two") == nil)
        let moved = try #require(try NetworkStack(in: other).link(named: "two"))
        #expect(moved.mtu == 1400 && moved.mac == mac)
    }

    @Test func `a thousand addresses are listed whole`() throws {
        let link = try stack.addBridge("dummy0")
        for number in UInt32(0)..<1000 {
            try stack.add(InterfaceAddress(IPPrefix(host: .v4(0x0A2B_0000 + number)), link: link.index))
        }
        #expect(try stack.addresses(of: link.index).count == 1000)
    }

    @Test func `changes are told as they happen`() async throws {
        let changes = try NetworkChanges(in: namespace)
        var iterator = changes.makeAsyncIterator()
        let link = try stack.addBridge("dummy0")
        guard case .link(let new)? = try await iterator.next() else { throw Fault(.failed, "no link") }
        #expect(new.name == "dummy0")
        let address = InterfaceAddress(try prefix("10.0.0.1/24"), link: link.index)
        try stack.add(address)
        var found: NetworkChanges.Change?
        repeat { found = try await iterator.next() } while found != nil && found != .address(address)
        try stack.delete(link: link.index)
        while let change = try await iterator.next() {
            if case .linkGone(let gone) = change, gone.index == link.index { return }
        }
        Issue.record("the end of the interface was not told")
    }

    @Test func `settings are read and set inside the namespace alone`() throws {
        let outside = try Sysctl.read("net.ipv4.conf.lo.forwarding")
        let opposite = outside == "1" ? "0" : "1"
        try namespace.perform { () throws(Fault) in
            try Sysctl.set("net.ipv4.conf.lo.forwarding", to: opposite)
            _ = try Sysctl.set("net/ipv4/conf/lo/forwarding", to: opposite)
        }
        #expect(
            try namespace.perform { () throws(Fault) in try Sysctl.read("net.ipv4.conf.lo.forwarding") }
                == opposite)
        #expect(try Sysctl.read("net.ipv4.conf.lo.forwarding") == outside)
        #expect(
            Sysctl.path(of: "net.ipv4.conf.eth0/1.forwarding") == "/proc/sys/net/ipv4/conf/eth0.1/forwarding")
        #expect(
            Sysctl.path(of: "net/ipv4/conf/eth0.1/forwarding") == "/proc/sys/net/ipv4/conf/eth0.1/forwarding")
    }

    @Test func `a named namespace stays until its name is deleted`() throws {
        // Inside a mount namespace with a /run of its own, so that the host's names are not touched.
        try withMountNamespace { directory in
            try Mounts.mountMemory(at: "/run")
            let made = try NetworkNamespace.create(named: "pod")
            try NetworkStack(in: made).addBridge("mark")
            let opened = try NetworkNamespace(path: "/run/netns/pod")
            #expect(try NetworkStack(in: opened).link(named: "mark") != nil)
            let fault = #expect(throws: Fault.self) { try NetworkNamespace.create(named: "pod") }
            #expect(fault?.code == .conflict)
            try NetworkNamespace.delete(named: "pod")
            try NetworkNamespace.delete(named: "pod")
            #expect(try Files.list("/run/netns").isEmpty)
        }
    }

    @Test func `a module that is there is loaded, one that is not is a fault`() async throws {
        let fault = await #expect(throws: Fault.self) { try await KernelModules.load("no_such_module_here") }
        #expect(fault?.code == .unsupported || fault?.code == .notFound)
    }
}

func prefix(_ text: String) throws -> IPPrefix { try #require(IPPrefix(text)) }
func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }
