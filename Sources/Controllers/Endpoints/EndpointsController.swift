import API
public import APIMachinery
import Client

/// Keeps the EndpointSlices and the Endpoints of each service with a selector.
///
/// One loop makes both, from one look at the pods. Services without a selector are their owners' affair.
public struct EndpointsController: Controller {
    public let name = "endpoint-slice-controller"

    public init() {}

    public func run(_ context: ControllerContext) async throws(Status) {
        let services = try await context.client.observe(Service.self)
        let pods = try await context.client.observe(Pod.self)
        let slices = try await context.client.observe(EndpointSlice.self)
        let endpoints = try await context.client.observe(Endpoints.self)
        let nodes = try await context.client.observe(Node.self)
        let (selectors, labels) = (SelectorIndex(Self.selectors), LabelIndex(pods))
        let (zones, times) = (NodeZones(), TriggerTimes())
        let orphans = LabelIndex(slices) { $0.controllerUID == nil && !$0.isDeleting }
        let work = EndpointsWork(
            context: context, services: services, pods: labels, slices: slices, orphans: orphans, endpoints: endpoints,
            zones: zones, times: times)
        let loop = ReconcileLoop<ObjectName>(context)
        // A zone befalls a node once in its life: then all services are looked at.
        let bell = ReconcileLoop<Bool>(context)
        let placed = ReconcileLoop<Bool>.Source(nodes) { zones.take($0) ? [true] : [] }
        let changed = ReconcileLoop<ObjectName>.Source(services) { change in
            selectors.take(change)
            if change.new == nil { times.forget(change.name) }
            return [change.name]
        }
        let selected = ReconcileLoop<ObjectName>.Source(pods) { change in
            labels.take(change)
            return Array(selectors.names(selecting: change))
        }
        let touched = ReconcileLoop<ObjectName>.Source(slices) { change in
            orphans.take(change)
            let labels = (change.new ?? change.old)?.labels
            guard let service = labels?[EndpointSliceDecision.serviceLabel]?.string else { return [] }
            return [ObjectName(namespace: change.name.namespace, name: service)]
        }
        await withTaskGroup { group in
            group.addTask {
                await bell.run([placed], workers: 1) { _ throws(Status) in
                    for service in services.list(namespace: nil) { loop.queue.add(service.objectName) }
                    return nil
                }
            }
            group.addTask {
                await loop.run([changed, selected, touched, .own(endpoints)]) { name throws(Status) in
                    try await work.reconcile(name)
                    return nil
                }
            }
        }
    }

    /// None for a service that selects nothing.
    private static func selectors(_ service: StoredObject) -> [LabelSelector] {
        Service(service).selector.map { [$0] } ?? []
    }
}

extension Service {
    /// Which pods are behind the service; `nil` when that is not told by labels.
    fileprivate var selector: LabelSelector? {
        guard spec.type != "ExternalName", let labels = value.at("spec", "selector")?.fields, !labels.isEmpty
        else { return nil }
        // Validation kept out what cannot be read; whatever got by selects nothing.
        return try? LabelSelector(labels: labels)
    }
}

/// One pass over one service.
private struct EndpointsWork: Sendable {
    let context: ControllerContext
    let services: any ObjectSet
    let pods: LabelIndex
    let slices: any ObjectSet
    /// The slices that nobody owns.
    let orphans: LabelIndex
    let endpoints: any ObjectSet
    let zones: NodeZones
    let times: TriggerTimes

    func reconcile(_ name: ObjectName) async throws(Status) {
        guard let service = services.get(Service.self, name) else { return try await removeEndpoints(name) }
        guard let selector = service.selector, service.metadata.deletionTimestamp == nil else { return }
        let selected = pods.objects(matching: selector, in: name.namespace).map { Pod($0) }
        let backends = ServiceBackends(
            service: service, pods: selected, zones: zones.zones(of: selected.map(\.spec.nodeName)),
            shares: TopologyHints.isByShare(service) ? zones.shares : nil)
        let trigger = times.take(service, selected)
        let decision = EndpointSliceDecision(backends: backends, slices: ownSlices(service), trigger: trigger)
        for action in decision.actions { try await context.client.perform(action) }
        try await removeOrphans(name)
        let present = endpoints.get(Endpoints.self, name)
        let wanted = EndpointsDecision(backends: backends, trigger: trigger).wanted(over: present)
        if present == nil {
            try await context.client.createUnlessPresent(wanted)
        } else if wanted != present {
            try await context.client.update(wanted)
        }
    }

    /// Those of an earlier service of the name are not its own: they go with that one.
    private func ownSlices(_ service: Service) -> [EndpointSlice] {
        slices.owned(by: service.metadata.uid).filter { slice in
            slice.labels[EndpointSliceDecision.managerLabel]?.string == EndpointSliceDecision.manager
                && !slice.isDeleting
        }.map { EndpointSlice($0) }
    }

    /// What a service of this name left that was deleted alone: its slices would tell of pods for ever.
    private func removeOrphans(_ name: ObjectName) async throws(Status) {
        for slice in orphans.objects(matching: try EndpointSliceDecision.selector(of: name), in: name.namespace) {
            try await context.client.delete(
                EndpointSlice.self, slice.objectName, DeletionOptions(preconditionUID: slice.uid))
        }
    }

    /// Slices go with the service that owns them; the Endpoints object has no owner.
    private func removeEndpoints(_ name: ObjectName) async throws(Status) {
        guard let present = endpoints.get(name),
            present.labels[EndpointsDecision.managerLabel]?.string == EndpointsDecision.manager
        else { return }
        try await context.client.delete(Endpoints.self, name, DeletionOptions(preconditionUID: present.uid))
    }
}
