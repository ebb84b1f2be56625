import API
public import APIMachinery
import Client
import Support

/// Keeps ServiceCIDRs while services have addresses of them.
public struct ServiceRanges: Controller {
    public let name = "service-cidr-controller"

    public init() {}

    public func run(_ context: ControllerContext) async throws(Status) {
        let ranges = try await context.client.observe(ServiceCIDR.self)
        let services = try await context.client.observe(Service.self)
        let loop = ReconcileLoop<ObjectName>(context)
        // Ranges are few. A service matters only when it goes, to a range that goes.
        let changed = ReconcileLoop<Bool>(context)
        let released = ReconcileLoop<Bool>.Source(services) { $0.new == nil ? [true] : [] }
        let others = ReconcileLoop<Bool>.Source(ranges) { change in
            change.old == nil || change.new == nil ? [true] : []
        }
        await withTaskGroup { group in
            group.addTask {
                await changed.run([released, others], workers: 1) { _ throws(Status) in
                    for range in ranges.list(namespace: nil) where range.isDeleting { loop.queue.add(range.objectName) }
                    return nil
                }
            }
            group.addTask {
                await loop.run([.own(ranges)], workers: 1) { name throws(Status) in
                    try await Self.reconcile(name, ranges, services, context)
                }
            }
        }
    }

    private static func reconcile(
        _ name: ObjectName, _ ranges: any ObjectSet, _ services: any ObjectSet, _ context: ControllerContext
    ) async throws(Status) -> Duration? {
        guard let range = ranges.get(ServiceCIDR.self, name) else { return nil }
        let isGoing = range.metadata.deletionTimestamp != nil
        let others = isGoing ? ranges.list(namespace: nil).filter { $0.name != name.name && !$0.isDeleting } : []
        let decision = ServiceRangeDecision(
            range: range, others: others.map { ServiceCIDR($0) },
            addresses: isGoing ? Self.addresses(of: services) : [], now: context.now())
        switch decision.action {
        case .nothing: return nil
        case .wait(let delay): return delay
        case .protect: try await setFinalizers(range.metadata.finalizers + [ServiceRangeDecision.finalizer], range, context)
        case .release:
            try await setFinalizers(
                range.metadata.finalizers.filter { $0 != ServiceRangeDecision.finalizer }, range, context)
        case .tell(let status):
            var new = range
            new.status = decision.status(status)
            try await context.client.updateStatus(new)
        }
        return nil
    }

    private static func addresses(of services: any ObjectSet) -> [Support.IPAddress] {
        services.list(namespace: nil).flatMap { service in
            (service.value.at("spec", "clusterIPs")?.array ?? []).compactMap { $0.string.flatMap { Support.IPAddress($0) } }
        }
    }

    private static func setFinalizers(
        _ finalizers: [String], _ range: ServiceCIDR, _ context: ControllerContext
    ) async throws(Status) {
        try await context.client.replaceList(
            ["metadata", "finalizers"], in: Target(ServiceCIDR.resource, range.objectName), uid: range.metadata.uid,
            version: range.metadata.resourceVersion, with: finalizers.map { .string($0) })
    }
}
