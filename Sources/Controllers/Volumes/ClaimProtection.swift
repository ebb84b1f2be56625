import API
public import APIMachinery
import Client

/// Lets a claim that is being deleted go when no pod uses it any more. Admission holds each claim by a
/// finalizer.
public struct ClaimProtection: Controller {
    public let name = "pvc-protection-controller"
    private static let finalizer = "kubernetes.io/pvc-protection"

    public init() {}

    public func run(_ context: ControllerContext) async throws(Status) {
        let claims = try await context.client.observe(PersistentVolumeClaim.self)
        let pods = try await context.client.observe(Pod.self)
        let marked = ReconcileLoop<ObjectName>.Source(claims) { $0.new?.isDeleting == true ? [$0.name] : [] }
        let users = ClaimUsers(pods)
        // Only the end of a pod can free a claim.
        let ended = ReconcileLoop<ObjectName>.Source(pods) { users.take($0) + users.claims(letGoBy: $0) }
        await ReconcileLoop<ObjectName>(context).run([marked, ended]) { name throws(Status) in
            guard let claim = claims.get(PersistentVolumeClaim.self, name), let freed = Self.freed(claim),
                !users.pods(using: name).contains(where: { Self.uses($0, name.name) })
            else { return nil }
            try await context.client.update(freed)
            return nil
        }
    }

    /// The claim without its hold; `nil` when it is not to be deleted, or not held.
    private static func freed(_ claim: PersistentVolumeClaim) -> PersistentVolumeClaim? {
        guard claim.metadata.deletionTimestamp != nil, claim.metadata.finalizers.contains(finalizer) else {
            return nil
        }
        var freed = claim
        freed.metadata.finalizers.removeAll { $0 == finalizer }
        return freed
    }

    /// A pod that has no node does not count: the kubelet would not start it with a claim that is being
    /// deleted. One that is over counts, since its volume may be mounted still.
    ///
    /// A claim that was made for the pod may block its deletion: it goes as soon as the node has done with the
    /// pod, or each would wait for the other.
    static func uses(_ pod: Pod, _ claim: String) -> Bool {
        guard !pod.spec.nodeName.isEmpty else { return false }
        return pod.spec.volumes.contains { volume in
            pod.claimName(of: volume) == claim && (volume.ephemeral == nil || !isShutDown(pod))
        }
    }

    /// Its node has done with it, or somebody does not want to wait for that: no grace is left.
    static func isShutDown(_ pod: Pod) -> Bool {
        pod.metadata.deletionTimestamp != nil && pod.metadata.deletionGracePeriodSeconds == 0
    }
}
