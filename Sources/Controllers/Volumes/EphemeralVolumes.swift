import API
public import APIMachinery
import Client

/// Makes the claims of pods that describe a volume in themselves: `<pod>-<volume>`, owned by the pod, so that
/// it lives and ends with it (KEP-1698).
public struct EphemeralVolumes: Controller {
    public let name = "ephemeral-volume-controller"

    public init() {}

    public func run(_ context: ControllerContext) async throws(Status) {
        let pods = try await context.client.observe(Pod.self)
        let claims = try await context.client.observe(PersistentVolumeClaim.self)
        // A pod's volumes never change.
        let created = ReconcileLoop<ObjectName>.Source(pods) { change in
            guard change.old == nil, let pod = change.new, pod.mentions("ephemeral"),
                let volumes = pod.value(at: "spec", "volumes")?.array
            else { return [] }
            return volumes.contains { $0["ephemeral"] != nil } ? [change.name] : []
        }
        let lost = ReconcileLoop<ObjectName>.Source(claims) { change in
            guard change.new == nil, let old = change.old, old.controllerUID != nil else { return [] }
            let owner = PersistentVolumeClaim(old).metadata.controller
            return owner?.kind == Pod.kind
                ? [ObjectName(namespace: old.namespace, name: owner?.name ?? "")] : []
        }
        await ReconcileLoop<ObjectName>(context).run([created, lost]) { name throws(Status) in
            guard let pod = pods.get(Pod.self, name), pod.isActive else { return nil }
            for volume in pod.spec.volumes {
                guard let wanted = Self.claim(for: volume, of: pod) else { continue }
                guard let present = claims.get(wanted.objectName) else {
                    try await context.client.create(wanted)
                    continue
                }
                guard present.controllerUID != pod.metadata.uid else { continue }
                let message =
                    "ephemeral volume \(volume.name): PVC \(present.objectName) was not created "
                    + "for pod \(name) (pod is not owner)"
                context.record(
                    ControllerNote(kind: .warning, reason: "FailedBinding", message: message), about: pod)
            }
            return nil
        }
    }

    static func claim(for volume: Volume, of pod: Pod) -> PersistentVolumeClaim? {
        guard let template = volume.ephemeral?.volumeClaimTemplate, let name = pod.claimName(of: volume)
        else {
            return nil
        }
        var claim = PersistentVolumeClaim(namespace: pod.metadata.namespace, name: name)
        claim.metadata.labels = template.metadata.labels
        claim.metadata.annotations = template.metadata.annotations
        claim.metadata.ownerReferences = [pod.controllerReference]
        claim.spec = template.spec
        return claim
    }
}
