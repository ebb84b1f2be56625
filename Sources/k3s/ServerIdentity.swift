import Controllers
import Host
import Supervisor
import Support

/// Who this server is: the name and addresses of its node, and that node's share of the pods' addresses.
struct ServerIdentity {
    let name: String
    /// What the machine calls itself.
    let hostname: String
    /// Never empty.
    let addresses: [IPAddress]
    let podCIDR: IPPrefix

    init(_ configuration: ServerConfiguration) throws(Fault) {
        hostname = try Machine.hostname()
        let plain: String
        if let asked = configuration.node.name {
            plain = asked
        } else {
            plain = try NodeConfiguration.nodeName(hostname, "the name of this machine, \(hostname),")
        }
        if configuration.node.hasIdentifier {
            let whole = "\(plain)-\(try NodeIdentifier.take())"
            name = try NodeConfiguration.nodeName(whole, "the name \(whole)")
        } else {
            name = plain
        }
        let asked = configuration.node.addresses
        addresses = asked.isEmpty ? [try Self.outwardAddress()] : asked
        podCIDR = try Self.share(of: configuration.clusterCIDR, configuration.controllerManager.nodeMaskSize)
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

    /// The first block that nodes are given. Its owner tells so when it registers, and nobody else is given it then.
    private static func share(of cluster: IPPrefix, _ asked: Int?) throws(Fault) -> IPPrefix {
        guard let range = PodRange(cluster, nodeLength: asked) else {
            let length = asked ?? PodRange.usualLength(cluster.family)
            throw Fault(.invalid, "--cluster-cidr \(cluster) is smaller than the /\(length) that a node needs")
        }
        return range.block(0)
    }
}
