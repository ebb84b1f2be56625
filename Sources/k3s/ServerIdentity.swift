import Host
import Supervisor
import Support

/// Who this server is: the name and addresses of its node, and that node's share of the pods' addresses.
struct ServerIdentity {
    let name: String
    /// Never empty.
    let addresses: [IPAddress]
    let podCIDR: IPPrefix

    init(_ configuration: ServerConfiguration) throws(Fault) {
        if let asked = configuration.node.name {
            name = asked
        } else {
            let hostname = try Machine.hostname()
            name = try NodeConfiguration.nodeName(hostname, "the name of this machine, \(hostname),")
        }
        let asked = configuration.node.addresses
        addresses = asked.isEmpty ? [try Self.outwardAddress()] : asked
        podCIDR = try Self.share(of: configuration.clusterCIDR)
    }

    /// The address that the default route leaves from.
    private static func outwardAddress() throws(Fault) -> IPAddress {
        let network = try NetworkStack()
        let route = try network.defaultRoutes(.v4).first
        let candidates = try network.addresses(of: route?.link).filter { $0.isGlobal && $0.prefix.family == .v4 }
        guard let address = route?.source ?? candidates.first?.prefix.address else {
            throw Fault(
                .notFound, "this machine has no address that others could reach",
                remedy: "name one with --node-ip")
        }
        return address
    }

    /// The first block of the size that Kubernetes gives each node: /24, or /64 of IPv6.
    private static func share(of cluster: IPPrefix) throws(Fault) -> IPPrefix {
        let length = cluster.address.family == .v4 ? 24 : 64
        guard cluster.length <= length, let share = IPPrefix(cluster.first, length: length) else {
            throw Fault(.invalid, "--cluster-cidr \(cluster) is smaller than the /\(length) that a node needs")
        }
        return share
    }
}
