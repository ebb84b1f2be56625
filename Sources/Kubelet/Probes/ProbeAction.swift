import API
import APIMachinery
import Support
import Wire

/// What one run of a probe does: its handler with names, ports and addresses filled in.
enum ProbeAction: Hashable, Sendable {
    case exec([String])
    case http(ContainerRequest)
    case tcp(host: String, port: Int)
    case grpc(host: String, port: Int, service: String)

    /// Fails with `invalid` when a port has no number.
    init(_ probe: Probe, in container: Container, podIP: String) throws(Fault) {
        if let exec = probe.exec {
            // Only what the pod's object itself says can be known here: values from elsewhere are not read
            // again.
            var known = VariableList()
            for variable in container.env where variable.valueFrom == nil {
                try known.set(variable.name, try VariableExpansion.expand(variable.valueText) { known[$0] })
            }
            self = .exec(try VariableExpansion.expand(all: exec.command) { known[$0] })
        } else if let get = probe.httpGet {
            self = .http(try ContainerRequest(get, in: container, podIP: podIP, .probe))
        } else if let socket = probe.tcpSocket {
            self = .tcp(
                host: socket.host.isEmpty ? podIP : socket.host,
                port: try container.number(ofPort: socket.port))
        } else if let grpc = probe.grpc {
            self = .grpc(host: podIP, port: grpc.port, service: grpc.service ?? "")
        } else {
            throw Fault(.invalid, "missing probe handler for container \(container.name)")
        }
    }
}
