import API
public import APIMachinery
import Client

/// Lets a volume that is being deleted go when it is bound to no claim. Admission holds each volume by a
/// finalizer.
public struct VolumeProtection: Controller {
    public let name = "pv-protection-controller"
    private static let finalizer = "kubernetes.io/pv-protection"

    public init() {}

    public func run(_ context: ControllerContext) async throws(Status) {
        let volumes = try await context.client.observe(PersistentVolume.self)
        let marked = ReconcileLoop<ObjectName>.Source(volumes) { $0.new?.isDeleting == true ? [$0.name] : [] }
        await ReconcileLoop<ObjectName>(context).run([marked]) { name throws(Status) in
            guard var volume = volumes.get(PersistentVolume.self, name),
                volume.metadata.deletionTimestamp != nil, volume.status.phase != "Bound",
                volume.metadata.finalizers.contains(Self.finalizer)
            else { return nil }
            volume.metadata.finalizers.removeAll { $0 == Self.finalizer }
            try await context.client.update(volume)
            return nil
        }
    }
}
