import API
public import APIMachinery
import Client

/// Says of claims that ask for more than they have who makes volumes grow: the driver, beside the cluster.
public struct VolumeGrowth: Controller {
    public let name = "volume_expand"

    public init() {}

    public func run(_ context: ControllerContext) async throws(Status) {
        let claims = try await context.client.observe(PersistentVolumeClaim.self)
        let grown = ReconcileLoop<ObjectName>.Source(claims) { change in
            guard let new = change.new.map({ PersistentVolumeClaim($0) }), Self.isGrowing(new) else { return [] }
            let old = change.old.map { PersistentVolumeClaim($0) }
            return old?.value["spec"] == new.value["spec"] && old.map(Self.isGrowing) == true ? [] : [change.name]
        }
        await ReconcileLoop<ObjectName>(context).run([grown], workers: 1) { name throws(Status) in
            guard let claim = claims.get(PersistentVolumeClaim.self, name), Self.isGrowing(claim) else { return nil }
            let message = "waiting for an external controller to expand this PVC"
            context.record(.normal, "ExternalExpanding", message, about: claim)
            return nil
        }
    }

    /// Whether a bound claim asks for more than its volume has.
    static func isGrowing(_ claim: PersistentVolumeClaim) -> Bool {
        func amount(_ path: String...) -> Quantity? {
            path.reduce(Optional(claim.value)) { $0?[$1] }.flatMap { try? Quantity(json: $0) }
        }
        guard claim.status.phase == "Bound", let asked = amount("spec", "resources", "requests", "storage"),
            let present = amount("status", "capacity", "storage")
        else { return false }
        return present < asked
    }
}
