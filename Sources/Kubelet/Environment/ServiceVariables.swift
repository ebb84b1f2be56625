import API
import Support

/// The variables by which a container finds the services that were there when it started.
enum ServiceVariables {
    /// Of the services of the pod's namespace, if it wants them, and of `kubernetes` in `default` always.
    ///
    /// Services without a cluster address have none. One that is named `kubernetes` in the pod's own
    /// namespace is told in place of the cluster's. In order of the services' names.
    static func of(
        _ services: [Service], namespace: String, areLinksEnabled: Bool
    ) -> [(name: String, value: String)] {
        var chosen: [String: Service] = [:]
        for service in services where hasAddress(service) {
            let (name, home) = (service.metadata.name, service.metadata.namespace)
            if home == "default", name == "kubernetes" {
                if chosen[name] == nil { chosen[name] = service }
            } else if home == namespace, areLinksEnabled {
                chosen[name] = service
            }
        }
        return chosen.sorted { $0.key < $1.key }.flatMap { variables($0.value) }
    }

    private static func hasAddress(_ service: Service) -> Bool {
        !service.spec.clusterIP.isEmpty && service.spec.clusterIP != "None"
            && service.spec.type != "ExternalName"
    }

    private static func variables(_ service: Service) -> [(name: String, value: String)] {
        let prefix = variableName(service.metadata.name)
        let address = service.spec.clusterIP
        var result = [(name: prefix + "_SERVICE_HOST", value: address)]
        if let first = service.spec.ports.first {
            result.append((prefix + "_SERVICE_PORT", String(first.port)))
        }
        for port in service.spec.ports where !port.name.isEmpty {
            result.append((prefix + "_SERVICE_PORT_" + variableName(port.name), String(port.port)))
        }
        for (index, port) in service.spec.ports.enumerated() {
            let kind = port.protocol.isEmpty ? "TCP" : port.protocol
            let host = address.contains(":") ? "[\(address)]" : address
            let url = "\(kind.lowercased())://\(host):\(port.port)"
            let name = "\(prefix)_PORT_\(port.port)_\(kind.uppercased())"
            if index == 0 { result.append((prefix + "_PORT", url)) }
            result += [
                (name, url), (name + "_PROTO", kind.lowercased()), (name + "_PORT", String(port.port)),
                (name + "_ADDR", address),
            ]
        }
        return result
    }

    private static func variableName(_ name: String) -> String {
        name.uppercased().split(separator: "-", omittingEmptySubsequences: false).joined(separator: "_")
    }
}
