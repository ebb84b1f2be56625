public import APIMachinery

/// What only the node knows about a pod that runs on it: where it is, and its addresses.
public struct PodPlacement: Hashable, Sendable {
    public var nodeName: String
    /// The node's first address, and all of them.
    public var hostIP: String
    public var hostIPs: [String]
    /// The pod's addresses; the first is the one of the node's preferred family.
    public var podIPs: [String]
    /// What the node gives to pods, by resource: it stands for the limit of a container that has none.
    public var allocatable: [String: Quantity]

    public init(
        nodeName: String, hostIP: String, hostIPs: [String], podIPs: [String], allocatable: [String: Quantity]
    ) {
        self.nodeName = nodeName
        self.hostIP = hostIP
        self.hostIPs = hostIPs
        self.podIPs = podIPs
        self.allocatable = allocatable
    }
}
