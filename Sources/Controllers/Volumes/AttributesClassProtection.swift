import API
public import APIMachinery
import Client

/// Lets a class of volume attributes that is being deleted go when no claim and no volume names it any more (KEP-3751).
/// Admission holds each class by a finalizer.
public struct AttributesClassProtection: Controller {
    public let name = "volumeattributesclass-protection-controller"
    private static let finalizer = "kubernetes.io/vac-protection"

    public init() {}

    public func run(_ context: ControllerContext) async throws(Status) {
        let classes = try await context.client.observe(VolumeAttributesClass.self)
        let claims = try await context.client.observe(PersistentVolumeClaim.self)
        let volumes = try await context.client.observe(PersistentVolume.self)
        let sources: [ReconcileLoop<ObjectName>.Source] = [
            .init(classes) { $0.new?.isDeleting == true ? [$0.name] : [] },
            // Only who lets go of a class can free it.
            .init(claims) { left($0) { Self.names(in: PersistentVolumeClaim($0)) } },
            .init(volumes) { left($0) { Self.names(in: PersistentVolume($0)) } },
        ]
        await ReconcileLoop<ObjectName>(context).run(sources) { name throws(Status) in
            guard var freed = classes.get(VolumeAttributesClass.self, name),
                freed.metadata.deletionTimestamp != nil, freed.metadata.finalizers.contains(Self.finalizer),
                !claims.list(namespace: nil).contains(where: { Self.names(in: PersistentVolumeClaim($0)).contains(name.name) }),
                !volumes.list(namespace: nil).contains(where: { Self.names(in: PersistentVolume($0)).contains(name.name) })
            else { return nil }
            freed.metadata.finalizers.removeAll { $0 == Self.finalizer }
            try await context.client.update(freed)
            return nil
        }
    }

    /// The classes that a claim has, wants, or is on its way to.
    static func names(in claim: PersistentVolumeClaim) -> Set<String> {
        let status = claim.status
        let names = [
            claim.spec.volumeAttributesClassName, status.currentVolumeAttributesClassName,
            status.modifyVolumeStatus?.targetVolumeAttributesClassName,
        ]
        return Set(names.compactMap(\.self)).subtracting([""])
    }

    static func names(in volume: PersistentVolume) -> Set<String> {
        Set([volume.spec.volumeAttributesClassName].compactMap(\.self)).subtracting([""])
    }
}

/// The classes that an object named before a change and does not name after it.
private func left(_ change: ObjectChange, _ names: (StoredObject) -> Set<String>) -> [ObjectName] {
    let before = change.old.map(names) ?? []
    return before.isEmpty ? [] : before.subtracting(change.new.map(names) ?? []).map { ObjectName(name: $0) }
}
