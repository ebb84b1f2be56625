public import Host
public import Support

/// What the service proxy of a node must know about the node.
public struct ServiceProxyOptions: Sendable {
    /// As endpoints and pods name it.
    public var nodeName: String
    /// The addresses of all the cluster's pods (`--cluster-cidr`), one block of each family. Who sends from
    /// another address comes from outside.
    public var podCIDRs: [IPPrefix]
    /// Cluster IPs that this node answers itself, without a translation: that of the cluster's DNS.
    public var ownClusterIPs: Set<Support.IPAddress> = []
    /// Where node ports answer, of the node's addresses (`--nodeport-addresses`); empty for everywhere.
    public var nodePortRanges: [IPPrefix] = []
    /// Whether pods reach the world under the node's IPv6 address too. Off, as k3s has it: IPv6 needs none.
    public var masqueradesIPv6 = false
    /// Of the one nftables table, in the family `inet`, that the proxy owns and replaces.
    public var tableName = "k3s"
    /// The network namespace to work in; `nil` is this process's own.
    public var namespace: NetworkNamespace?

    public init(nodeName: String, podCIDRs: [IPPrefix]) {
        self.nodeName = nodeName
        self.podCIDRs = podCIDRs
    }
}
