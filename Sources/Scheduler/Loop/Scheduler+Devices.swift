import API
import APIMachinery
import Client

/// Writes to claims which devices they have.
extension Scheduler {
    private static let finalizer = "resource.kubernetes.io/delete-protection"

    /// Writes to a claim which devices it has, and that the pod uses them. A finalizer keeps the claim while it has some.
    /// A claim for extended resources is made first, and the pod's status tells of it.
    func give(_ grant: DeviceGrant, to pod: PodFacts, _ devices: DeviceSets) async throws(Status) {
        var claim: Value
        if let made = grant.made {
            let target = Target(.resourceClaims, namespace: grant.claim.namespace)
            claim = try await client.create(target, made.claim, WriteOptions()).value
        } else {
            guard let known = devices.claims.get(grant.claim)?.value else {
                throw .notFound(.resourceClaims, grant.claim.name)
            }
            claim = known
        }
        let name = ObjectName(namespace: grant.claim.namespace, name: claim.at("metadata", "name")?.string ?? "")
        var finalizers = claim.at("metadata", "finalizers")?.array ?? []
        if !finalizers.contains(.string(Self.finalizer)) {
            finalizers.append(.string(Self.finalizer))
            claim[path: ["metadata", "finalizers"]] = .array(finalizers)
            claim = try await client.update(Target(.resourceClaims, name), claim, WriteOptions()).value
        }
        guard let status = grant.status(of: claim, for: pod, at: now(), classSpec: devices.classSpec) else {
            throw .conflict(.resourceClaims, name.name, "it changed while devices were chosen for it")
        }
        claim["status"] = status
        try await client.update(Target(.resourceClaims, name, subresource: "status"), claim, WriteOptions())
        guard let made = grant.made else { return }
        let told: Value = ["resourceClaimName": .string(name.name), "requestMappings": .array(made.mappings)]
        try await patchStatus(of: pod, ["extendedResourceClaimStatus": told])
    }

    /// Takes devices from a claim that nobody but the pod uses, or deletes the claim that was made for its extended
    /// resources.
    func give(up release: PodDevices.Release, of pod: PodFacts, _ devices: DeviceSets) async throws(Status) {
        switch release {
        case .devices(let name, let why):
            tell(pod, why)
            guard var claim = devices.claims.get(name)?.value,
                (claim.at("status", "reservedFor")?.array ?? []).allSatisfy({ $0["uid"]?.string == pod.uid })
            else { return }
            for field in ["allocation", "devices", "reservedFor"] { claim[path: ["status", field]] = nil }
            try await client.update(Target(.resourceClaims, name, subresource: "status"), claim, WriteOptions())
        case .claim(let name, let why):
            tell(pod, why)
            guard let object = devices.claims.get(name) else { return }
            var claim = object.value
            let finalizers = claim.at("metadata", "finalizers")?.array ?? []
            if finalizers.contains(.string(Self.finalizer)) {
                claim[path: ["metadata", "finalizers"]] = .array(finalizers.filter { $0 != .string(Self.finalizer) })
                try await client.update(Target(.resourceClaims, name), claim, WriteOptions())
            }
            do throws(Status) {
                try await client.delete(Target(.resourceClaims, name), DeletionOptions(preconditionUID: object.uid))
            } catch {
                guard error.isNotFound else { throw error }
            }
        }
    }

    /// That devices were not made ready, by the word that stands for binding.
    private func tell(_ pod: PodFacts, _ why: String?) {
        guard let why else { return }
        note(pod, .warning, "FailedScheduling", "running PreBind plugin \"DynamicResources\": \(why)")
    }
}
