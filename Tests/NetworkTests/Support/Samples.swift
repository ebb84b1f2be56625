import API
import APIMachinery
import Support
import Testing

@testable import Network

/// Not the API's kind of that name.
typealias IPAddress = Support.IPAddress

func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }
func prefix(_ text: String) throws -> IPPrefix { try #require(IPPrefix(text)) }

/// A service with the ports `name: number`, or one port without a name.
func service(
    _ name: String, _ clusterIP: String, namespace: String = "default", port: Int = 80,
    transport: String = "TCP", _ change: (inout Service) -> Void = { _ in }
) -> Service {
    var service = Service(namespace: namespace, name: name)
    service.spec.type = "ClusterIP"
    service.spec.clusterIP = clusterIP
    service.spec.clusterIPs = [clusterIP]
    var entry = ServicePort()
    entry.port = port
    entry.protocol = transport
    service.spec.ports = [entry]
    change(&service)
    return service
}

/// A slice of a service; each endpoint is an address with marks behind it: `10.42.0.2@node-1`, `10.42.0.3!`
/// (not ready), `10.42.0.4~` (ending, but serving).
func slice(
    _ service: String, _ endpoints: [String], namespace: String = "default", port: Int = 8080,
    portName: String = "", transport: String = "TCP", number: Int = 1,
    _ change: (inout EndpointSlice) -> Void = { _ in }
) -> EndpointSlice {
    var slice = EndpointSlice(namespace: namespace, name: "\(service)-\(number)")
    slice.metadata.labels = [SliceIndex.serviceLabel: service]
    slice.addressType = endpoints.first?.contains(":") == true ? "IPv6" : "IPv4"
    slice.endpoints = endpoints.map { text in
        var endpoint = Endpoint()
        let parts = text.filter { $0 != "!" && $0 != "~" }.split(separator: "@")
        endpoint.addresses = [String(parts[0])]
        endpoint.nodeName = parts.count > 1 ? String(parts[1]) : nil
        var conditions = EndpointConditions()
        conditions.ready = !text.contains("!") && !text.contains("~")
        conditions.serving = !text.contains("!")
        conditions.terminating = text.contains("~")
        endpoint.conditions = conditions
        return endpoint
    }
    var entry = EndpointPort()
    entry.name = portName
    entry.port = port
    entry.protocol = transport
    slice.ports = [entry]
    change(&slice)
    return slice
}

/// The options of the node `node-1` of a cluster whose pods have 10.42.0.0/16.
func nodeOptions() throws -> ServiceProxyOptions {
    ServiceProxyOptions(
        nodeName: "node-1", podCIDRs: [try prefix("10.42.0.0/16"), try prefix("fd00:42::/56")])
}
