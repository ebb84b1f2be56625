import API
import APIMachinery
import Host
import Support
import Testing

@testable import Network

/// Which ports of the host lead to a node with a network of its own.
@Suite struct PublishedPortTests {
    private static func port(_ number: Int, node: Int = 0, _ transport: String = "TCP") -> ServicePort {
        var port = ServicePort()
        (port.port, port.nodePort, port.protocol) = (number, node, transport)
        return port
    }

    private static func published(_ ports: [ServicePort], ingress: String? = nil) -> [String] {
        let service = service("web", "10.43.0.7") {
            $0.spec.ports = ports
            guard let ingress else { return }
            var entry = LoadBalancerIngress([:])
            entry.ip = ingress
            $0.status.loadBalancer.ingress = [entry]
        }
        return PublishedPort.all(of: service).map { "\($0.transport) \($0.port) \($0.target)" }.sorted()
    }

    @Test(
        arguments: [
            ([port(80)], nil, []),
            ([port(80, node: 30080)], nil, ["tcp 30080 30080"]),
            ([port(80, node: 30080)], "", ["tcp 30080 30080"]),
            ([port(80, node: 30080)], "127.0.0.1", ["tcp 10080 80", "tcp 30080 30080"]),
            ([port(1024)], "127.0.0.1", ["tcp 11024 1024"]), ([port(1025)], "127.0.0.1", ["tcp 1025 1025"]),
            ([port(53, "UDP"), port(53)], "127.0.0.1", ["tcp 10053 53", "udp 10053 53"]),
            ([port(80, node: 30080, "SCTP")], "127.0.0.1", []),
            ([port(8080, node: 30081, "")], "127.0.0.1", ["tcp 30081 30081", "tcp 8080 8080"]),
            ([port(70000, node: -1)], "127.0.0.1", []),
        ] as [([ServicePort], String?, [String])])
    func `ports that only root may take are higher on the host`(
        ports: [ServicePort], ingress: String?, is all: [String]
    ) {
        #expect(Self.published(ports, ingress: ingress) == all)
    }

    @Test func `of two services that want a port, the first by name has it`() {
        var wanted = WantedPorts()
        let (first, second) = (
            PublishedPort(transport: .tcp, port: 10_080, target: 80),
            PublishedPort(transport: .tcp, port: 10_080, target: 10_080)
        )
        wanted.set([second], of: ObjectName(namespace: "b", name: "x"))
        #expect(wanted.all == [second])
        wanted.set([first], of: ObjectName(namespace: "a", name: "y"))
        #expect(wanted.all == [first])
        wanted.set([], of: ObjectName(namespace: "a", name: "y"))
        #expect(wanted.all == [second])
    }
}
