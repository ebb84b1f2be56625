/// How long nodes may be silent, and how fast pods are chased from those that are: flags of Kubernetes' controller manager,
/// and its defaults.
public struct NodeLifecycleOptions: Hashable, Sendable {
    /// How long a node may be silent: five renewals of its lease, each of which comes after ten seconds
    /// (`--node-monitor-grace-period`).
    public var grace: Duration = .seconds(50)
    /// The same for a node that was registered and has not told of itself yet (`--node-startup-grace-period`).
    public var startupGrace: Duration = .seconds(60)
    /// Nodes of a zone in a second whose pods are chased away; 0 for none (`--node-eviction-rate`).
    public var evictionRate = 0.1
    /// The same in a large zone that is partly lost (`--secondary-node-eviction-rate`).
    public var secondaryEvictionRate = 0.01
    /// Which part of a zone must be lost for it to be partly lost (`--unhealthy-zone-threshold`).
    public var unhealthyShare: Float = 0.55
    /// A zone with more nodes is large; pods of a small one that is partly lost stay (`--large-cluster-size-threshold`).
    public var largeCount = 50

    public init() {}

    /// Between two nodes of one zone; `nil` when there shall be none.
    static func interval(_ rate: Double) -> Duration? { rate > 0 ? .seconds(min(1 / rate, 1e9)) : nil }
}
