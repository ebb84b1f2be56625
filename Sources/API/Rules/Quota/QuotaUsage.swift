public import APIMachinery

/// What one object uses of all that quotas can limit (Kubernetes documentation, "Resource Quotas").
public enum QuotaUsage {
    /// Amounts by the names that quotas use: `requests.cpu`, `services.nodeports`, `count/deployments.apps`.
    public typealias Amounts = [String: Quantity]

    /// What `object` of `resource` uses. Objects that are not measured count as one. `extended` is what classes of devices
    /// stand for.
    public static func of(
        _ object: Value, _ resource: GroupVersionResource, extended: [String: String] = [:]
    ) -> Amounts {
        var amounts = Amounts()
        for name in QuotaNames.counts(of: resource) { amounts[name] = Quantity(1) }
        switch resource {
        case .pods: addPod(object, &amounts)
        case .services: addService(object, &amounts)
        case .persistentVolumeClaims: addClaim(object, &amounts)
        case .resourceClaims: addDevices(object, extended, &amounts)
        default: break
        }
        return amounts
    }

    // MARK: Pods

    /// A pod that has ended uses nothing but its place among the objects.
    private static func addPod(_ pod: Value, _ amounts: inout Amounts) {
        let phase = pod.at("status", "phase")?.string
        guard phase != "Succeeded", phase != "Failed" else { return }
        amounts["pods"] = Quantity(1)
        let options = PodResources.Options(heedsStatus: true)
        for (name, amount) in names(
            requests: PodResources.requests(of: pod, options), limits: PodResources.limits(of: pod, options))
        {
            amounts[name] = amount
        }
    }

    private static let compute = ["cpu", "memory", "ephemeral-storage"]

    /// Requests and limits by the names that quotas have for them.
    static func names(requests: Amounts, limits: Amounts) -> Amounts {
        var amounts = Amounts()
        for (name, amount) in requests {
            let isStandard = compute.contains(name) || name.hasPrefix("hugepages-")
            if isStandard { amounts[name] = amount }
            if isStandard || QuotaNames.isExtended(name) || ComputeResource(name).isNamedForClass { amounts["requests." + name] = amount }
        }
        for name in compute {
            if let amount = limits[name] { amounts["limits." + name] = amount }
        }
        return amounts
    }

    // MARK: Services

    private static func addService(_ service: Value, _ amounts: inout Amounts) {
        amounts["services"] = Quantity(1)
        let ports = service.at("spec", "ports")?.array ?? []
        switch service.at("spec", "type")?.string {
        case "NodePort": amounts["services.nodeports"] = Quantity(Int64(ports.count))
        case "LoadBalancer":
            amounts["services.loadbalancers"] = Quantity(1)
            let allocates = service.at("spec", "allocateLoadBalancerNodePorts")?.bool ?? true
            let used = allocates ? ports.count : ports.filter { ($0["nodePort"]?.integer ?? 0) != 0 }.count
            amounts["services.nodeports"] = Quantity(Int64(used))
        default: break
        }
    }

    // MARK: Claims

    private static func addClaim(_ claim: Value, _ amounts: inout Amounts) {
        let storageClass =
            claim.at("metadata", "annotations", "volume.beta.kubernetes.io/storage-class")?.string
            ?? claim.at("spec", "storageClassName")?.string ?? ""
        var asked = Amounts(claim.at("spec", "resources", "requests"))
        // What a growth that was given up had reached is still taken (KEP-1790).
        asked.raise(to: Amounts(claim.at("status", "allocatedResources")))
        let prefix = storageClass.isEmpty ? nil : storageClass + QuotaNames.storageClassSuffix
        amounts["persistentvolumeclaims"] = Quantity(1)
        if let prefix { amounts[prefix + "persistentvolumeclaims"] = Quantity(1) }
        guard let storage = asked["storage"] else { return }
        amounts["requests.storage"] = storage
        if let prefix { amounts[prefix + "requests.storage"] = storage }
    }

    /// What a request for all devices that match can get at most (API: `AllocationResultsMaxSize`).
    private static let mostDevices: Int64 = 32

    private static func addDevices(_ claim: Value, _ extended: [String: String], _ amounts: inout Amounts) {
        let annotation = claim.at("metadata", "annotations", "resource.kubernetes.io/extended-resource-claim")
        let owners = claim.at("metadata", "ownerReferences")?.array ?? []
        let isOfPod = annotation == "true" && owners.contains { $0["controller"]?.bool == true && $0["kind"] == "Pod" }
        for request in claim.at("spec", "devices", "requests")?.array ?? [] {
            // Of alternatives each class may be the one that is taken.
            var most: [String: Int64] = [:]
            for choice in [request["exactly"]].compactMap(\.self) + (request["firstAvailable"]?.array ?? []) {
                let count = choice["allocationMode"] == "All" ? mostDevices : choice["count"]?.integer ?? 1
                let name = choice["deviceClassName"]?.string ?? ""
                most[name] = max(most[name] ?? 0, count)
            }
            for (name, count) in most {
                amounts[name + QuotaNames.deviceClassSuffix, default: .zero] += Quantity(count)
                // What is asked for a pod's extended resources the pod uses already.
                guard !isOfPod else { continue }
                amounts[QuotaNames.classPrefix + name, default: .zero] += Quantity(count)
                if let name = extended[name] { amounts["requests." + name, default: .zero] += Quantity(count) }
            }
        }
    }
}
