import APIMachinery

/// The node must reach the devices of the pod's claims, and have devices for those that have none (KEP-4381).
struct DynamicResourcesFilter: NodeFilter {
    private let devices: PodDevices
    private let limit: Duration

    /// `limit` is how long devices may take to be made ready.
    init?(_ devices: PodDevices, limit: Duration) {
        guard !devices.isEmpty else { return nil }
        (self.devices, self.limit) = (devices, limit)
    }

    private static let elsewhere = Refusal(.dynamicResources, "resourceclaim not available on the node")
    private static let none = Refusal(.dynamicResources, "cannot allocate all claims")

    private static let stale = Refusal(.dynamicResources, isFinal: true, "cannot schedule extended resource claim")

    func refusal(of node: NodeFacts) -> Refusal? {
        if devices.stale != nil { return Self.stale }
        for held in devices.held where held.isUseless(on: node, limit: limit) { return Self.elsewhere }
        return devices.picks(on: node) == nil ? Self.none : nil
    }
}
