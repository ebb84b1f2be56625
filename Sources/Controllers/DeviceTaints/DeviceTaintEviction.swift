import API
public import APIMachinery
import Client
import Support
import Synchronization

/// Deletes pods that use devices whose taints they do not tolerate, at once or when their time is over.
public struct DeviceTaintEviction: Controller {
    public let name = "device-taint-eviction-controller"

    public init() {}

    private enum Key: Hashable, Sendable {
        /// Taints of its devices came: all pods that use them.
        case pool(DeviceTaintIndex.Pool)
        case pod(ObjectName)
    }

    public func run(_ context: ControllerContext) async throws(Status) {
        let slices = try await context.client.observe(.resourceSlices, .all)
        let claims = try await context.client.observe(.resourceClaims, .all)
        let pods = try await context.client.observe(Pod.self)
        let taints = SharedTaints()
        let tainted = ReconcileLoop<Key>.Source(slices) { change in
            taints.take(change, at: context.now()).map { [.pool($0)] } ?? []
        }
        let given = ReconcileLoop<Key>.Source(claims) { change in
            // Almost always no device is tainted so.
            guard !taints.present.isEmpty, let claim = change.new else { return [] }
            return Self.users(ResourceClaimView(claim))
        }
        let placed = ReconcileLoop<Key>.Source(pods) { change in
            guard !taints.present.isEmpty, let pod = change.new, !pod.isDeleting else { return [] }
            return Pod(pod).deviceClaimNames.isEmpty ? [] : [.pod(change.name)]
        }
        let loop = ReconcileLoop<Key>(context)
        await loop.run([tainted, given, placed]) { key throws(Status) in
            switch key {
            case .pod(let name): return try await Self.reconcile(name, pods, claims, taints, context)
            case .pool(let pool):
                let using = claims.list(namespace: nil).map { ResourceClaimView($0) }.filter { $0.isGiven(of: pool) }
                for key in using.flatMap(Self.users) { loop.queue.add(key) }
                return nil
            }
        }
    }

    private static func users(_ claim: ResourceClaimView) -> [Key] {
        guard claim.isAllocated else { return [] }
        return claim.consumers.filter { ResourceClaimView.podUID($0) != nil }.map { consumer in
            .pod(ObjectName(namespace: claim.metadata.namespace, name: consumer["name"]?.string ?? ""))
        }
    }

    private static func reconcile(
        _ name: ObjectName, _ pods: any ObjectSet, _ claims: any ObjectSet, _ taints: SharedTaints,
        _ context: ControllerContext
    ) async throws(Status) -> Duration? {
        guard let pod = pods.get(Pod.self, name) else { return nil }
        let own = Set(pod.deviceClaimNames).compactMap { claim in
            claims.get(ObjectName(namespace: name.namespace, name: claim)).map { ResourceClaimView($0) }
        }
        let decision = DeviceEvictionDecision(pod: pod, claims: own, taints: taints.present, now: context.now())
        switch decision.action {
        case .stay: return nil
        case .wait(let delay): return delay
        case .evict:
            let note = ControllerNote(reason: "DeviceTaintManagerEviction", message: "Marking for deletion")
            context.record(note, about: pod)
            let disruption = PodDisruption(
                reason: "DeletionByDeviceTaintManager",
                message: "Device Taint manager: deleting due to NoExecute taint")
            try await context.client.evict(pod, because: disruption, at: context.now())
            return nil
        }
    }
}

/// The taints as the observation of slices feeds them and all workers read them.
private final class SharedTaints: Sendable {
    private let index = Mutex(DeviceTaintIndex())

    var present: DeviceTaintIndex { index.withLock(\.self) }

    func take(_ change: ObjectChange, at now: Timestamp) -> DeviceTaintIndex.Pool? {
        index.withLock { $0.take(change, at: now) }
    }
}

extension ResourceClaimView {
    fileprivate func isGiven(of pool: DeviceTaintIndex.Pool) -> Bool {
        devices.contains { $0["driver"]?.string == pool.driver && $0["pool"]?.string == pool.name }
    }
}
