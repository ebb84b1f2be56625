public import APIMachinery

/// A port of the node that a container takes for itself.
public struct HostPort: Hashable, Sendable {
    /// `0.0.0.0` stands for every address.
    public var address: String
    public var networkProtocol: String
    public var port: Int

    /// Whether both cannot be taken at once.
    public func conflicts(with other: HostPort) -> Bool {
        port == other.port && networkProtocol == other.networkProtocol
            && (address == other.address || address == "0.0.0.0" || other.address == "0.0.0.0")
    }

    /// Those of a pod's `spec`. Sidecars run beside the containers (KEP-753); other init containers end before those begin.
    public static func all(of spec: Value) -> [HostPort] {
        let sidecars = (spec["initContainers"]?.array ?? []).filter { $0["restartPolicy"]?.string == "Always" }
        var ports: [HostPort] = []
        for container in sidecars + (spec["containers"]?.array ?? []) {
            for port in container["ports"]?.array ?? [] {
                guard let number = port["hostPort"]?.integer, number > 0 else { continue }
                let address = port["hostIP"]?.string ?? ""
                let networkProtocol = port["protocol"]?.string ?? ""
                ports.append(
                    HostPort(
                        address: address.isEmpty ? "0.0.0.0" : address,
                        networkProtocol: networkProtocol.isEmpty ? "TCP" : networkProtocol,
                        port: Int(clamping: number)))
            }
        }
        return ports
    }
}
