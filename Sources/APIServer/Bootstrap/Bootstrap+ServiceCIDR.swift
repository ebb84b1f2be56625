import API
import APIMachinery
import Client
import Support

extension Bootstrap {
    /// The range that services get their addresses from, as the ServiceCIDR `kubernetes` (KEP-1880). It is ready: the
    /// server allocates from it by itself.
    func ensureServiceCIDR() async throws(Status) {
        let name = ObjectName(name: "kubernetes")
        guard try await client.find(ServiceCIDR.self, name) == nil else { return }
        var range = ServiceCIDR(name: name.name)
        range.value["spec"] = ["cidrs": [.string(serviceCIDR.description)]]
        range = try await client.create(range)
        range.value["status"] = [
            "conditions": [
                [
                    "type": "Ready", "status": "True", "reason": "",
                    "message": "Kubernetes default Service CIDR is ready",
                    "lastTransitionTime": .string(range.metadata.creationTimestamp?.description ?? ""),
                ]
            ]
        ]
        try await client.updateStatus(range)
    }
}
