import API
import APIMachinery
import Client

/// For whom a node may get tokens of its pods: for the audiences that the pod's own volumes name, and those that the node
/// was given a right to (Kubernetes documentation, "Managing Service Accounts", "Node audience restriction for service
/// account tokens").
struct NodeTokenAudience: Sendable {
    let claims: any ObjectSet
    let volumes: any ObjectSet
    let drivers: any ObjectSet
    let authorizer: any Authorizer

    private static let verb = "request-serviceaccounts-token-audience"

    /// Refuses a request for a token of `pod` for an audience that is none of the pod's.
    func check(_ request: AdmissionRequest, of pod: Pod) async throws(Status) {
        let audiences = (request.object?.at("spec", "audiences")?.array ?? []).compactMap(\.string)
        guard audiences.count < 2 else { throw request.forbidden("node may only request 0 or 1 audiences") }
        // The empty one is the server itself.
        let audience = audiences.first ?? ""
        guard !isNamed(audience, by: pod) else { return }
        let resource = GroupVersionResource(group: "", version: "v1", resource: audience)
        let target = Target(resource, namespace: request.namespace, name: request.objectName)
        let access = AccessRequest(user: request.user, verb: Self.verb, target)
        if case .allow = await authorizer.ask(access) { return }
        throw request.forbidden(
            "audience \(GoText.quoted(audience)) not found in pod spec volume, \(request.user.name) is not authorized "
                + "to request tokens for this audience")
    }

    /// Whether one of the pod's volumes needs such a token: it holds one, or is mounted by a driver that is handed one.
    func isNamed(_ audience: String, by pod: Pod) -> Bool {
        pod.spec.volumes.contains { volume in
            let sources = volume.value.at("projected", "sources")?.array ?? []
            let isHeld = sources.contains { source in
                source["serviceAccountToken"].map { $0["audience"]?.string ?? "" == audience } ?? false
            }
            return isHeld || driver(of: volume.value, pod).map { isHanded(audience, to: $0) } ?? false
        }
    }

    /// The name of the CSI driver that mounts a volume of the pod; `nil` when none does.
    private func driver(of volume: Value, _ pod: Pod) -> String? {
        if let driver = volume.at("csi", "driver")?.string { return driver }
        var name = volume.at("persistentVolumeClaim", "claimName")?.string
        if volume["ephemeral"] != nil { name = "\(pod.metadata.name)-\(volume["name"]?.string ?? "")" }
        guard let name, let claim = claims.get(ObjectName(namespace: pod.metadata.namespace, name: name)),
            let bound = claim.value.at("spec", "volumeName")?.string, !bound.isEmpty
        else { return nil }
        return volumes.get(ObjectName(name: bound))?.value.at("spec", "csi", "driver")?.string
    }

    private func isHanded(_ audience: String, to driver: String) -> Bool {
        let requests = drivers.get(ObjectName(name: driver))?.value.at("spec", "tokenRequests")?.array ?? []
        return requests.contains { $0["audience"]?.string ?? "" == audience }
    }
}
