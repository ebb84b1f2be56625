import API
import APIMachinery
import Support

/// A claim to devices (`resource.k8s.io`), as far as a node looks at it (KEP 4381). Pure.
struct DeviceClaim: Hashable, Sendable {
    let value: Value

    init(_ value: Value) { self.value = value }

    private var metadata: ObjectMeta { ObjectMeta(value["metadata"] ?? .emptyObject) }
    var name: ObjectName { ObjectName(namespace: metadata.namespace, name: metadata.name) }
    var uid: String { metadata.uid }

    /// The drivers of the devices that were given to it; `nil` as long as none were.
    var drivers: Set<String>? {
        guard let allocation = value.at("status", "allocation"), allocation != .null else { return nil }
        let results = allocation.at("devices", "results")?.array ?? []
        return Set(results.compactMap { $0["driver"]?.string })
    }

    /// Whether the pod may use it. The faults are in the words of Kubernetes. `mustBeOwn`: it was made for
    /// this pod.
    func check(for pod: Pod, mustBeOwn: Bool) throws(Fault) {
        let owner = metadata.ownerReferences.first { $0.controller == true }
        guard !mustBeOwn || name.namespace == pod.objectName.namespace && owner?.uid == pod.metadata.uid
        else {
            throw Fault(
                .denied,
                "ResourceClaim \(name.namespace)/\(name.name) was not created for pod "
                    + "\(pod.objectName.namespace)/\(pod.objectName.name) (pod is not owner)")
        }
        let consumers = value.at("status", "reservedFor")?.array ?? []
        guard consumers.contains(where: { $0["uid"]?.string == pod.metadata.uid }) else {
            throw Fault(
                .denied,
                "pod \(pod.objectName.name) (\(pod.metadata.uid)) is not allowed to use ResourceClaim \(name.name) "
                    + "(\(uid))")
        }
        guard drivers != nil else { throw Fault(.unavailable, "ResourceClaim \(name.name): not allocated") }
    }
}

/// The claim that a pod names, or that was made for it.
struct DeviceClaimReference: Hashable, Sendable {
    /// Of the object, in the pod's namespace.
    var name: String
    /// It must have been made for this pod.
    var mustBeOwn: Bool
}

/// What a container uses of a claim.
struct DeviceClaimUse: Hashable, Sendable {
    /// Of the object, in the pod's namespace.
    var claim: String
    /// An empty one stands for all.
    var requests: [String]
}

extension Pod {
    /// Whether it needs devices of claims: its own, and the one that the scheduler made for extended
    /// resources (KEP 5004).
    var needsDeviceClaims: Bool { !spec.resourceClaims.isEmpty || status.extendedResourceClaimStatus != nil }

    /// All claims that it uses. Fails as long as one is not made yet.
    func deviceClaims() throws(Fault) -> [DeviceClaimReference] {
        var references: [DeviceClaimReference] = []
        for claim in spec.resourceClaims {
            if let reference = try reference(of: claim) { references.append(reference) }
        }
        if let extended = status.extendedResourceClaimStatus {
            references.append(DeviceClaimReference(name: extended.resourceClaimName, mustBeOwn: false))
        }
        return references
    }

    /// `nil` when no claim was made because none is needed.
    private func reference(of claim: PodResourceClaim) throws(Fault) -> DeviceClaimReference? {
        if let name = claim.resourceClaimName { return DeviceClaimReference(name: name, mustBeOwn: false) }
        let own = "pod \"\(objectName.namespace)/\(objectName.name)\""
        guard claim.resourceClaimTemplateName != nil else {
            throw Fault(
                .invalid,
                "\(own), spec.resourceClaim \(QuotedText.quoted(claim.name)): none of the supported fields are set"
            )
        }
        guard let told = status.resourceClaimStatuses.first(where: { $0.name == claim.name }) else {
            throw Fault(.notFound, "\(own): ResourceClaim not created yet")
        }
        return told.resourceClaimName.map { DeviceClaimReference(name: $0, mustBeOwn: true) }
    }

    /// What a container of the pod uses of its claims.
    func deviceClaims(of container: Container) throws(Fault) -> [DeviceClaimUse] {
        var uses: [DeviceClaimUse] = []
        for claim in spec.resourceClaims {
            let wanted = container.resources.claims.filter { $0.name == claim.name }
            guard !wanted.isEmpty, let reference = try reference(of: claim) else { continue }
            uses.append(DeviceClaimUse(claim: reference.name, requests: wanted.map(\.request)))
        }
        guard let extended = status.extendedResourceClaimStatus else { return uses }
        let requests = extended.requestMappings.filter { mapping in
            mapping.containerName == container.name && ComputeResource(mapping.resourceName).isOfDevices
                && (container.resources.amount(mapping.resourceName, of: \.requests) ?? 0) != 0
        }.map(\.requestName)
        if !requests.isEmpty {
            uses.append(DeviceClaimUse(claim: extended.resourceClaimName, requests: requests))
        }
        return uses
    }
}
