import API
import Support

/// The entrances that the host ports of one pod open on its node. Pure.
struct HostPorts {
    let pod: Pod

    var entrances: [Entrance.Key: Entrance] {
        // In the host's own network the pod listens there itself.
        guard !pod.spec.hostNetwork, pod.status.phase != "Succeeded", pod.status.phase != "Failed" else {
            return [:]
        }
        let addresses = pod.status.podIPs.compactMap { IPAddress($0.ip) }
        let sidecars = pod.spec.initContainers.filter { $0.restartPolicy == "Always" }
        var entrances: [Entrance.Key: Entrance] = [:]
        for port in (sidecars + pod.spec.containers).flatMap(\.ports) where port.hostPort > 0 {
            guard let transport = Transport(name: port.protocol),
                let outer = UInt16(exactly: port.hostPort), let inner = UInt16(exactly: port.containerPort)
            else { continue }
            let host = IPAddress(port.hostIP)
            for address in addresses where host.map({ $0.family == address.family }) ?? true {
                let entry = TransportPort(transport: transport, number: outer)
                let key: Entrance.Key =
                    if let host, !host.isUnspecified { .address(host, entry) } else {
                        .node(address.family, entry)
                    }
                let backend = Backend(address: address, port: inner, isLocal: true)
                entrances[key] = Entrance(masquerade: .loopback, backends: [backend])
            }
        }
        return entrances
    }
}
