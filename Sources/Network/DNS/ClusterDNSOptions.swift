public import Wire

/// What the cluster's DNS must know.
public struct ClusterDNSOptions: Sendable {
    /// Where questions about the world go.
    public enum Upstream: Hashable, Sendable {
        /// The name servers of a resolv.conf(5), read when they are needed.
        case file(String)
        case servers([DNSAddress])
    }

    public var domain: ClusterDomain
    /// Those of the ``DNSEntrance``: who is asked by them does not ask them in turn.
    public var addresses: [DNSAddress]
    public var upstream = Upstream.file("/etc/resolv.conf")
    /// What one of those has to answer, before the next one is asked.
    public var patience = Duration.seconds(2)

    public init(domain: ClusterDomain, addresses: [DNSAddress]) {
        self.domain = domain
        self.addresses = addresses
    }
}
