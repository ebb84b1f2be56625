import API
import APIMachinery
import Wire

/// Where a node's kubelet listens, as its Node object tells. Pure.
struct KubeletAddress: Hashable, Sendable {
    var host: String
    var port: Int

    /// The port of kubelets whose node does not tell.
    private static let defaultPort = 10250

    /// The first address of the most preferred type. Fails when the node has none of these.
    init(_ node: Node, preferring types: [String]) throws(Status) {
        let addresses = node.status.addresses
        let found = types.lazy.compactMap { type in addresses.first { $0.type == type && !$0.address.isEmpty } }.first
        guard let found else {
            let known = addresses.map { "{\($0.type) \($0.address)}" }.joined(separator: " ")
            throw Status(
                code: 500, reason: .unknown, message: "no preferred addresses found; known addresses: [\(known)]")
        }
        host = found.address
        let told = node.status.daemonEndpoints.kubeletEndpoint.port
        port = told > 0 ? told : Self.defaultPort
    }

    var origin: HTTPOrigin { HTTPOrigin(.tcp(host: host, port: port), isSecure: true) }
}
