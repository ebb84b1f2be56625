import API
import APIMachinery
import Glibc
import Logging
import Support

@testable import Host
@testable import Network

/// A node with pods on a bridge, as the bridge plugin makes them, and a neighbour outside, each in a network
/// namespace: pod N is 10.42.0.(N + 1), the node is 192.168.7.1 and the neighbour 192.168.7.2.
final class NodeWorld {
    let node: NetworkNamespace
    let pods: [NetworkNamespace]
    let outside: NetworkNamespace
    let options: ServiceProxyOptions
    private var rules: ServiceRules
    private let installer: RuleInstaller
    private var servers: [Descriptor] = []

    init(pods count: Int, _ change: (inout ServiceProxyOptions) -> Void = { _ in }) throws {
        (node, outside) = (try .create(), try .create())
        let stack = try NetworkStack(in: node)
        for namespace in [node, outside] {
            let stack = try NetworkStack(in: namespace)
            if let loopback = try stack.link(named: "lo") { try stack.setUp(true, link: loopback.index) }
        }
        let bridge = try stack.addBridge("cni0")
        try stack.add(InterfaceAddress(try prefix("10.42.0.1/24"), link: bridge.index))
        try stack.setUp(true, link: bridge.index)
        pods = try (1...count).map { number in
            let pod = try NetworkNamespace.create()
            let cable = try stack.addVeth("veth\(number)", peer: "eth0", in: pod)
            try stack.setMaster(bridge.index, link: cable.index)
            try stack.setHairpin(true, link: cable.index)
            try stack.setUp(true, link: cable.index)
            try Self.configure(pod, "eth0", "10.42.0.\(number + 1)/24", gateway: "10.42.0.1")
            return pod
        }
        let uplink = try stack.addVeth("uplink", peer: "eth0", in: outside)
        try stack.add(InterfaceAddress(try prefix("192.168.7.1/24"), link: uplink.index))
        try stack.setUp(true, link: uplink.index)
        try Self.configure(outside, "eth0", "192.168.7.2/24", gateway: "192.168.7.1")
        try stack.replace(Route(to: try prefix("0.0.0.0/0"), via: try address("192.168.7.2")))

        var options = try nodeOptions()
        options.namespace = node
        change(&options)
        self.options = options
        try node.perform { [options] () throws(Fault) in
            try ForwardingSettings.apply(options, log: Logger(label: "test"))
        }
        rules = ServiceRules(options)
        installer = try RuleInstaller(in: node)
    }

    deinit {
        for server in servers { shutdown(server.number, Int32(SHUT_RDWR)) }
    }

    private static func configure(
        _ namespace: NetworkNamespace, _ link: String, _ own: String, gateway: String
    ) throws {
        let stack = try NetworkStack(in: namespace)
        guard let end = try stack.link(named: link) else { throw Fault(.notFound, "no \(link)") }
        try stack.add(InterfaceAddress(try prefix(own), link: end.index))
        try stack.setUp(true, link: end.index)
        try stack.replace(Route(to: try prefix("0.0.0.0/0"), via: try address(gateway), link: end.index))
    }

    /// Pod `number` answers on port 8080 with its name and with the address that it was asked from.
    func serve(_ number: Int, _ transport: Conversation.Transport = .tcp) throws {
        servers.append(
            try Conversation.serve("pod-\(number)", in: pods[number - 1], port: 8080, transport))
    }

    /// Endpoint text of pods on this node, for ``slice(_:_:namespace:port:portName:transport:number:_:)``.
    func endpoints(_ numbers: Int...) -> [String] { numbers.map { "10.42.0.\($0 + 1)@node-1" } }

    /// Installs the service as it is now, in a transaction; the first one has the whole table.
    func install(_ service: Service, _ slices: [EndpointSlice], isFirst: Bool = false) async throws {
        let entrances = ServiceEntrances(service: service, slices: slices, options: options).entrances
        rules.set(entrances, of: .service(service.objectName))
        try await commit(isFirst)
    }

    func install(_ pod: Pod, isFirst: Bool = false) async throws {
        rules.set(HostPorts(pod: pod).entrances, of: .pod(pod.objectName))
        try await commit(isFirst)
    }

    private func commit(_ isFirst: Bool) async throws {
        let change = isFirst ? rules.takeEverything() : rules.takeChange()
        try await installer.install(change.transaction)
        try await installer.forget(change.stale)
    }

    /// Who answers, asked often enough to meet all of three with a chance of failure below 10^-6.
    func answers(
        from client: NetworkNamespace, _ address: String, port: UInt16, count: Int = 40
    ) throws -> Swift.Set<Conversation.Answer> {
        var answers: Swift.Set<Conversation.Answer> = []
        for _ in 0..<count { answers.insert(try Conversation.ask(from: client, address, port: port)) }
        return answers
    }
}
