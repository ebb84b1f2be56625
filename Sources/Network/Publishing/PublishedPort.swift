import API
import Host
import Support

/// A port of the host, and where in the node's own network its connections are led.
///
/// As k3s has it for servers without root (k3s documentation, "Running Rootless Servers (Experimental)"): a
/// service with an address of a load balancer is found on the host at its ports, of which those that only
/// root may take are 10000 higher. Besides, node ports are found at themselves.
struct PublishedPort: Hashable, Sendable {
    let transport: LentPort.Transport
    /// Of the host.
    let port: UInt16
    /// Of the node.
    let target: UInt16

    /// Those of a service.
    static func all(of service: Service) -> Set<PublishedPort> {
        let isBalanced = service.status.loadBalancer.ingress.contains { !$0.ip.isEmpty }
        var all: Set<PublishedPort> = []
        for port in service.spec.ports {
            // What API defaults: TCP.
            let name = port.protocol.isEmpty ? "tcp" : port.protocol.lowercased()
            guard let transport = LentPort.Transport(rawValue: name) else { continue }
            let numbers = [port.nodePort] + (isBalanced ? [port.port] : [])
            for number in numbers.compactMap({ UInt16(exactly: $0) }) where number > 0 {
                let outside = number <= 1024 ? number + 10_000 : number
                all.insert(PublishedPort(transport: transport, port: outside, target: number))
            }
        }
        return all
    }
}
