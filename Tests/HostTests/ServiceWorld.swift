import Glibc
import Support

@testable import Host

/// A node that routes between pods, each in a namespace of its own on a cable of its own:
/// pod N is 10.42.N.2 behind the node's 10.42.N.1.
final class ServiceWorld {
    let node: NetworkNamespace
    let pods: [NetworkNamespace]
    private var servers: [Descriptor] = []

    init(pods count: Int) throws {
        node = try .create()
        let stack = try NetworkStack(in: node)
        if let loopback = try stack.link(named: "lo") { try stack.setUp(true, link: loopback.index) }
        try node.perform { () throws(Fault) in _ = try Sysctl.set("net.ipv4.ip_forward", to: "1") }
        pods = try (1...count).map { number in
            let pod = try NetworkNamespace.create()
            let podStack = try NetworkStack(in: pod)
            let cable = try stack.addVeth("veth\(number)", peer: "eth0", in: pod)
            guard let end = try podStack.link(named: "eth0") else { throw Fault(.notFound, "no eth0") }
            try stack.add(InterfaceAddress(try prefix("10.42.\(number).1/24"), link: cable.index))
            try podStack.add(InterfaceAddress(try prefix("10.42.\(number).2/24"), link: end.index))
            try stack.setUp(true, link: cable.index)
            try podStack.setUp(true, link: end.index)
            let gateway = try address("10.42.\(number).1")
            try podStack.replace(Route(to: try prefix("0.0.0.0/0"), via: gateway, link: end.index))
            return pod
        }
        // A host always has one: the address of a service must lead somewhere before it is translated.
        try stack.replace(Route(to: try prefix("0.0.0.0/0"), via: try address("10.42.1.2")))
    }

    deinit {
        for server in servers { shutdown(server.number, Int32(SHUT_RDWR)) }
    }

    /// Pod `number` answers on a port, with its name `pod-N` and the address that it was asked from.
    func serve(pod number: Int, port: UInt16, _ transport: Conversation.Transport = .tcp) throws {
        let socket = try Conversation.server(
            in: pods[number - 1], at: "10.42.\(number).2", port: port, transport)
        servers.append(socket)
        Conversation.serve("pod-\(number)", on: socket, transport)
    }

    func endpoint(_ pod: Int, _ port: UInt16) throws -> [Nftables.Value] {
        [.ip(try address("10.42.\(pod).2")), .port(port)]
    }
}
