import APIMachinery

/// The node must reach the devices of the pod's claims, and have devices for those that have none (KEP-4381).
struct DynamicResourcesFilter: NodeFilter {
    private let devices: PodDevices

    init?(_ devices: PodDevices) {
        guard !devices.isEmpty else { return nil }
        self.devices = devices
    }

    private static let elsewhere = Refusal(.dynamicResources, "resourceclaim not available on the node")
    private static let none = Refusal(.dynamicResources, "cannot allocate all claims")

    func refusal(of node: NodeFacts) -> Refusal? {
        for held in devices.held {
            if let nodes = held.nodes, !nodes.matches(labels: node.labels, name: node.name) { return Self.elsewhere }
        }
        return devices.picks(on: node) == nil ? Self.none : nil
    }
}
