import API
import APIMachinery
import Client
import Synchronization

/// Which pods use a claim: a claim knows nothing of them.
///
/// A pod's volumes never change, so each pod is read once. Holds names, and nothing of pods that use no claim.
final class ClaimUsers: Sendable {
    private struct State {
        var claims: [ObjectName: [ObjectName]] = [:]
        var pods = Multimap<ObjectName, ObjectName>()
    }

    private let state = Mutex(State())
    private let set: any ObjectSet

    init(_ pods: any ObjectSet) { set = pods }

    /// Takes in what became of a pod. Returns the claims that it used, when it is gone.
    func take(_ change: ObjectChange) -> [ObjectName] {
        let (pod, isSame) = (change.name, change.old?.uid == change.new?.uid)
        guard !isSame else { return [] }
        let claims = change.new?.claimNamesOfPod ?? []
        return state.withLock { state in
            let freed = state.claims.removeValue(forKey: pod) ?? []
            for claim in freed { state.pods.remove(pod, for: claim) }
            let used = claims.map { ObjectName(namespace: pod.namespace, name: $0) }
            if !used.isEmpty { state.claims[pod] = used }
            for claim in used { state.pods.insert(pod, for: claim) }
            return freed
        }
    }

    /// The claims that a pod uses whose containers ended for good by this change.
    func claims(endedBy change: ObjectChange) -> [ObjectName] {
        let claims = state.withLock { $0.claims[change.name] ?? [] }
        guard !claims.isEmpty, let new = change.new, Self.isOver(new), !(change.old.map(Self.isOver) ?? false) else {
            return []
        }
        return claims
    }

    /// The claims that a pod uses with which its node has done by this change, though it is not gone.
    func claims(letGoBy change: ObjectChange) -> [ObjectName] {
        let claims = state.withLock { $0.claims[change.name] ?? [] }
        guard !claims.isEmpty, let new = change.new, new.isDeleting, ClaimProtection.isShutDown(Pod(new)) else { return [] }
        return claims
    }

    private static func isOver(_ pod: StoredObject) -> Bool {
        ["Succeeded", "Failed"].contains(pod.text(at: "status", "phase"))
    }

    /// The pods that use the claim, in order of their names.
    func pods(using claim: ObjectName) -> [Pod] {
        state.withLock { $0.pods[claim] }.sorted().compactMap { set.get(Pod.self, $0) }
    }
}
