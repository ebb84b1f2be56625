import API
import APIMachinery
import Support

/// When a pod has to go because devices of a claim that it uses are tainted. Pure; its shell is ``DeviceTaintEviction``.
struct DeviceEvictionDecision: Sendable {
    let pod: Pod
    /// Those of the pod's claims that are there.
    let claims: [ResourceClaimView]
    let taints: DeviceTaintIndex
    let now: Timestamp

    /// What comes first of what its devices mean to it. A claim that is not reserved for this pod is none of its own, and
    /// what has no node has nothing to leave.
    var action: EvictionDecision.Action {
        guard pod.metadata.deletionTimestamp == nil, !pod.spec.nodeName.isEmpty else { return .stay }
        let uid = pod.metadata.uid
        let own = claims.filter { $0.consumers.contains { ResourceClaimView.podUID($0) == uid } }
        var wait: Duration?
        for result in own.flatMap(\.devices) {
            switch action(result) {
            case .evict: return .evict
            case .wait(let delay): wait = min(wait ?? delay, delay)
            case .stay: break
            }
        }
        return wait.map { .wait($0) } ?? .stay
    }

    private func action(_ result: Value) -> EvictionDecision.Action {
        let pool = DeviceTaintIndex.Pool(driver: result["driver"]?.string ?? "", name: result["pool"]?.string ?? "")
        let threats = taints[pool][result["device"]?.string ?? ""] ?? []
        let tolerations = (result["tolerations"]?.array ?? []).map { Toleration($0) }
        return EvictionDecision(tolerations: tolerations, threats: threats, now: now).action
    }
}
