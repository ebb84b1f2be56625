import API
import APIMachinery
import Client
import Support

extension ObjectSet {
    /// The pods on a node. Looks into every pod of the set: for what befalls a node now and then.
    func pods(on node: String) -> [Pod] {
        list(namespace: nil).filter { $0.nodeName == node }.map { Pod($0) }
    }
}

/// What controllers ask about pods that they need not read.
extension StoredObject {
    /// Where a pod runs; empty before it was placed.
    var nodeName: String { text(at: "spec", "nodeName") }

    /// Whether a pod has claims to devices, named by it or made for its extended resources (KEP-5004).
    var asksForDevices: Bool {
        mentions("resourceClaims") && value(at: "spec", "resourceClaims")?.array?.isEmpty == false
            || mentions("extendedResourceClaimStatus")
    }

    /// The claims whose volumes a pod uses.
    var claimNamesOfPod: [String] {
        // Most pods use none, and are seen often.
        guard mentions("persistentVolumeClaim") || mentions("ephemeral") else { return [] }
        return (value(at: "spec", "volumes")?.array ?? []).compactMap { Pod.claimName(of: Volume($0), in: name) }
    }
}

extension ObjectChange {
    /// Whether a pod was placed, and nothing else befell it: it has a node now, and at most labels that it had not, those of the
    /// node's place (KEP-4742).
    var isPlacement: Bool {
        guard let old, let new, old.uid == new.uid, !old.isDeleting, !new.isDeleting, old.owners == new.owners,
            old.labels == new.labels || old.labels.allSatisfy({ new.labels[$0.key] == $0.value })
        else { return false }
        return old.nodeName.isEmpty && !new.nodeName.isEmpty
    }
}

/// What controllers ask about a pod.
extension Pod {
    /// Neither over nor on its way out: it counts as a replica.
    var isActive: Bool { !isFinished && metadata.deletionTimestamp == nil }

    /// Its containers ended for good.
    var isFinished: Bool { status.phase == "Succeeded" || status.phase == "Failed" }

    var readyCondition: PodCondition? { condition("Ready") }

    func condition(_ type: String) -> PodCondition? { status.conditions.first { $0.type == type } }

    var isReady: Bool { readyCondition?.status == "True" }

    /// When the pod has been ready for `minReadySeconds`, if it stays so; `nil` while it is not ready.
    func availableAt(minReadySeconds: Int) -> Timestamp? {
        guard isReady else { return nil }
        guard minReadySeconds > 0 else { return Timestamp(seconds: 0) }
        return readyCondition?.lastTransitionTime.map { $0 + .seconds(minReadySeconds) }
    }

    func isAvailable(minReadySeconds: Int, at now: Timestamp) -> Bool {
        availableAt(minReadySeconds: minReadySeconds).map { $0 <= now } ?? false
    }
}
