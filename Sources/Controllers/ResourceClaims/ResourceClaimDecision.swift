import API
import APIMachinery
import Client

/// What a ResourceClaim needs, given the pods that use it: to be freed of pods that are done, and of what was allocated when
/// none is left; to be deleted with the pod that it was made for.
///
/// Pure; its shell is ``ResourceClaimController``.
struct ResourceClaimDecision: Hashable, Sendable {
    enum Action: Hashable, Sendable {
        /// Write this status.
        case free(Value)
        case removeFinalizer
        case delete
    }

    let claim: ResourceClaimView
    /// The pods among the consumers that are there and not done, by uid.
    let users: Set<String>
    /// Whether the pod that it was made for is there and done.
    let isOwnerDone: Bool

    var action: Action? {
        let kept = claim.consumers.filter { consumer in
            // What is no pod is not ours to judge.
            ResourceClaimView.podUID(consumer).map(users.contains) ?? true
        }
        let finalizers = claim.metadata.finalizers
        let isProtected = finalizers.contains(ResourceClaimView.finalizer)
        // One that nobody uses may be about to get devices: the finalizer comes before they do.
        let isUnwanted = claim.metadata.deletionTimestamp != nil && kept.isEmpty && isProtected
        if kept != claim.consumers || (isUnwanted && claim.isAllocated) {
            var status = claim.value["status"] ?? .emptyObject
            status["reservedFor"] = kept.isEmpty ? nil : .array(kept)
            if kept.isEmpty, isProtected {
                status["allocation"] = nil
                status["devices"] = nil
            }
            return .free(status)
        }
        guard kept.isEmpty else { return nil }
        if isOwnerDone, claim.metadata.deletionTimestamp == nil { return .delete }
        return isUnwanted ? .removeFinalizer : nil
    }
}

/// Which claims a pod still needs, made from the templates that it names.
struct PodClaimsDecision: Sendable {
    let pod: Pod
    /// The claims that were made for this pod, by the name in its spec.
    let present: [String: ResourceClaimView]

    /// Claims of the spec that are to be made, each with its template.
    var missing: [(claim: String, template: String)] {
        templated.filter { told[$0.claim] == nil && present[$0.claim] == nil }
    }

    /// Names that the pod's status has to tell; `nil` when it tells them.
    var statuses: [PodResourceClaimStatus]? {
        let new = templated.compactMap { entry -> PodResourceClaimStatus? in
            guard told[entry.claim] == nil, let claim = present[entry.claim] else { return nil }
            return PodResourceClaimStatus([
                "name": .string(entry.claim), "resourceClaimName": .string(claim.metadata.name),
            ])
        }
        return new.isEmpty ? nil : new
    }

    /// The names of all claims that the pod uses, as far as they are known.
    var names: [String] {
        pod.spec.resourceClaims.compactMap { entry in
            if let name = entry.resourceClaimName { return name }
            return told[entry.name] ?? present[entry.name]?.metadata.name
        }
    }

    /// A claim made from a template's `spec`, which has metadata of its own.
    func claim(_ name: String, from template: Value) -> Value {
        let spec = template["spec"] ?? .emptyObject
        var annotations = spec.at("metadata", "annotations") ?? .emptyObject
        annotations[ResourceClaimView.podClaimAnnotation] = .string(name)
        var metadata: Value = [
            "generateName": .string(Self.prefix(pod.metadata.name, name)),
            "namespace": .string(pod.metadata.namespace), "annotations": annotations,
            "ownerReferences": [pod.controllerReference.value],
        ]
        metadata["labels"] = spec.at("metadata", "labels")
        return [
            "apiVersion": .string(GroupVersionResource.resourceClaims.apiVersion), "kind": "ResourceClaim",
            "metadata": metadata, "spec": spec["spec"] ?? .emptyObject,
        ]
    }

    private var templated: [(claim: String, template: String)] {
        pod.spec.resourceClaims.compactMap { entry in
            entry.resourceClaimTemplateName.map { (entry.name, $0) }
        }
    }

    /// What the status tells already: an empty name says that no claim is needed.
    private var told: [String: String] {
        Dictionary(pod.status.resourceClaimStatuses.map { ($0.name, $0.resourceClaimName ?? "") }) { first, _ in first }
    }

    /// Of both names as much as leaves room for the random part.
    private static func prefix(_ pod: String, _ claim: String) -> String {
        let most = 63 - 5 - 2
        var (pod, claim) = (pod, claim)
        if pod.utf8.count + claim.utf8.count > most {
            claim = String(claim.prefix(max(most / 2, most - pod.utf8.count)))
            pod = String(pod.prefix(most - claim.utf8.count))
        }
        return pod + "-" + claim + "-"
    }
}
