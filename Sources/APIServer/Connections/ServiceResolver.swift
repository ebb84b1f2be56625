import API
import APIMachinery
import Client
import Support
import Wire

/// Finds where a service leads: to one of its ready endpoints, straight, since this host need not route the addresses of
/// services. Reads the caches and never suspends.
///
/// Webhooks and extension API servers are reached by it.
struct ServiceResolver: Sendable {
    let services: any ObjectSet
    let endpointSlices: any ObjectSet
    /// Which addresses of endpoints may be reached: none that would lead to this host itself.
    var isReachable: @Sendable (Support.IPAddress) -> Bool = { $0.isGlobalUnicast }

    /// Where to connect for a port of a service. What stands in the way is said in Kubernetes' words.
    func resolve(_ name: ObjectName, port: Int) throws(Status) -> HTTPAddress {
        guard let service = services.get(Service.self, name) else {
            throw Status(code: 404, reason: .notFound, message: "service \"\(name.name)\" not found")
        }
        if service.spec.type == "ExternalName" { return .tcp(host: service.spec.externalName, port: port) }
        let target = try ProxyTarget(
            ProxyName(name.name, port: port), of: service, slices(of: name), isProxyable: isReachable
        ) { Int.random(in: 0..<$0) }
        return .tcp(host: target.host, port: target.port)
    }

    /// The endpoints of a service.
    func slices(of name: ObjectName) -> [EndpointSlice] {
        endpointSlices.list(namespace: name.namespace)
            .filter { $0.labels["kubernetes.io/service-name"]?.string == name.name }.map { EndpointSlice($0) }
    }
}
