import API
import APIMachinery
import Support

/// The name in a proxy's path: `NAME`, `NAME:PORT` or `SCHEME:NAME:PORT`. Pure.
struct ProxyName: Hashable, Sendable {
    var scheme = ""
    var name: String
    /// A number or a name; empty when the request does not say.
    var port = ""

    /// `nil` for anything else.
    init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        switch parts.count {
        case 1: name = parts[0]
        case 2: (name, port) = (parts[0], parts[1])
        case 3: (scheme, name, port) = (parts[0], parts[1], parts[2])
        default: return nil
        }
        guard ["", "http", "https"].contains(scheme), !name.isEmpty else { return nil }
    }

    /// A port of something, by its number.
    init(_ name: String, port: Int) {
        self.name = name
        self.port = "\(port)"
    }

    var isSecure: Bool { scheme == "https" }
}

/// Where a proxy's request goes to, found from the objects that describe it. Pure.
struct ProxyTarget: Hashable, Sendable {
    var host: String
    var port: Int
    var isSecure: Bool
}

extension ProxyTarget {
    /// A pod, at the port that was named or else the first that it declares.
    init(
        _ name: ProxyName, in pod: Pod, isProxyable: (Support.IPAddress) -> Bool
    ) throws(Status) {
        guard let address = IPAddress(pod.status.podIP), isProxyable(address) else {
            throw .badRequest("address not allowed")
        }
        isSecure = name.isSecure
        host = "\(address)"
        guard name.port.isEmpty else {
            guard let port = UInt16(name.port), port > 0 else {
                throw .badRequest("invalid pod request \"\(pod.metadata.name):\(name.port)\"")
            }
            self.port = Int(port)
            return
        }
        let declared = pod.spec.containers.lazy.flatMap(\.ports).first?.containerPort
        port = declared ?? (isSecure ? 443 : 80)
    }

    /// A ready endpoint of a service, at the port that was named or numbered. `choose` picks one of many.
    init(
        _ name: ProxyName, of service: Service, _ slices: [EndpointSlice],
        isProxyable: (Support.IPAddress) -> Bool, choose: (Int) -> Int
    ) throws(Status) {
        var portName = name.port
        if let number = Int(name.port) {
            guard let port = service.spec.ports.first(where: { $0.port == number }) else {
                throw .serviceUnavailable("no service port \(number) found for service \"\(name.name)\"")
            }
            portName = port.name
        }
        var found: [(host: String, port: Int)] = []
        for slice in slices where slice.addressType != "FQDN" {
            guard let port = slice.ports.first(where: { ($0.name ?? "") == portName })?.port else { continue }
            for endpoint in slice.endpoints where endpoint.conditions.ready ?? true {
                guard let text = endpoint.addresses.first, let address = IPAddress(text), isProxyable(address) else {
                    continue
                }
                found.append(("\(address)", port))
            }
        }
        guard !found.isEmpty else {
            throw .serviceUnavailable("no endpoints available for service \"\(name.name)\"")
        }
        let endpoint = found[choose(found.count)]
        self.init(host: endpoint.host, port: endpoint.port, isSecure: name.isSecure)
    }
}
