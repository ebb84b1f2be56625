import API
import APIMachinery
import Support
import Wire

/// What one run of a probe does: its handler with names, ports and addresses filled in.
enum ProbeAction: Hashable, Sendable {
    case exec([String])
    case http(HTTPProbe)
    case tcp(host: String, port: Int)
    case grpc(host: String, port: Int, service: String)

    /// Fails with `invalid` when a port has no number.
    init(_ probe: Probe, in container: Container, podIP: String) throws(Fault) {
        if let exec = probe.exec {
            // Only what the pod's object itself says can be known here: values from elsewhere are not read
            // again.
            var known: [String: String] = [:]
            for variable in container.env where variable.valueFrom == nil {
                known[variable.name] = VariableExpansion.expand(variable.valueText) { known[$0] }
            }
            self = .exec(exec.command.map { ContainerEnvironment.expand($0, known) })
        } else if let get = probe.httpGet {
            self = .http(
                HTTPProbe(
                    get, host: get.host.isEmpty ? podIP : get.host,
                    port: try Self.number(of: get.port, in: container)))
        } else if let socket = probe.tcpSocket {
            self = .tcp(
                host: socket.host.isEmpty ? podIP : socket.host,
                port: try Self.number(of: socket.port, in: container))
        } else if let grpc = probe.grpc {
            self = .grpc(host: podIP, port: grpc.port, service: grpc.service ?? "")
        } else {
            throw Fault(.invalid, "missing probe handler for container \(container.name)")
        }
    }

    /// A port by its number, by the name it has in the container, or by a text that is a number.
    private static func number(of port: Value, in container: Container) throws(Fault) -> Int {
        var number: Int?
        switch IntOrString(json: port) {
        case .int(let given): number = Int(given)
        case .string(let name): number = container.ports.first { $0.name == name }?.containerPort ?? Int(name)
        case nil: break
        }
        guard let number, (1...65_535).contains(number) else {
            throw Fault(.invalid, "invalid port number: \(port)")
        }
        return number
    }
}
