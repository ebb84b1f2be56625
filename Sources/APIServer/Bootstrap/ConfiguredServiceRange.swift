import API
import APIMachinery
import Client
import Support

/// The range of services' addresses that the server is configured with, as the ServiceCIDR `kubernetes` (KEP-1880). One
/// that is there stays as it is, as in Kubernetes: a range is changed by adding another.
struct ConfiguredServiceRange: Sendable {
    static let name = ObjectName(name: "kubernetes")

    let client: LocalClient
    let range: IPPrefix

    /// Makes the object unless it is there. It is ready: the server allocates from it by itself.
    func ensure() async throws(Status) {
        guard try await client.find(ServiceCIDR.self, Self.name) == nil else { return }
        var object = ServiceCIDR(name: Self.name.name)
        object.value["spec"] = ["cidrs": [.string(range.description)]]
        do throws(Status) {
            object = try await client.create(object)
        } catch {
            // Somebody else was first.
            guard error.isAlreadyExists else { throw error }
            return
        }
        object.value["status"] = [
            "conditions": [
                [
                    "type": "Ready", "status": "True", "reason": "",
                    "message": "Kubernetes default Service CIDR is ready",
                    "lastTransitionTime": .string(object.metadata.creationTimestamp?.description ?? ""),
                ]
            ]
        ]
        try await client.updateStatus(object)
    }
}
