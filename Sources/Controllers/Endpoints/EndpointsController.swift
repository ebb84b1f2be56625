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
        let index = SelectorIndex()
        let following = index.follow(services)
        defer { following.cancel() }
        let work = EndpointsWork(
            context: context, services: services, pods: pods, slices: slices, endpoints: endpoints)
        let selected = ReconcileLoop<ObjectName>.Source(pods) { index.services(selecting: $0) }
        let touched = ReconcileLoop<ObjectName>.Source(slices) { change in
            let labels = (change.new ?? change.old)?.labels
            guard let service = labels?[EndpointSliceDecision.serviceLabel]?.string else { return [] }
            return [ObjectName(namespace: change.name.namespace, name: service)]
        }
        let loop = ReconcileLoop<ObjectName>(context)
        await loop.run([.own(services), selected, touched, .own(endpoints)]) { name throws(Status) in
            try await work.reconcile(name)
            return nil
        }
    }
}

/// One pass over one service.
private struct EndpointsWork: Sendable {
    let context: ControllerContext
    let services: any ObjectSet
    let pods: any ObjectSet
    let slices: any ObjectSet
    let endpoints: any ObjectSet

    func reconcile(_ name: ObjectName) async throws(Status) {
        guard let service = services.get(Service.self, name) else { return try await removeEndpoints(name) }
        let selector = service.spec.selector
        guard !selector.isEmpty, service.spec.type != "ExternalName",
            service.metadata.deletionTimestamp == nil
        else {
            return
        }
        let selected = pods.list(namespace: name.namespace).filter { SelectorIndex.matches(selector, $0) }
        let backends = ServiceBackends(service: service, pods: selected.map { Pod($0) })
        for action in EndpointSliceDecision(backends: backends, slices: ownSlices(name)).actions {
            switch action {
            case .create(let slice): try await context.client.create(slice)
            case .update(let slice): try await context.client.update(slice)
            case .delete(let slice): try await context.client.delete(EndpointSlice.self, slice.objectName)
            }
        }
        let present = endpoints.get(Endpoints.self, name)
        let wanted = EndpointsDecision(backends: backends).wanted(over: present)
        if present == nil {
            try await context.client.createUnlessPresent(wanted)
        } else if wanted != present {
            try await context.client.update(wanted)
        }
    }

    private func ownSlices(_ service: ObjectName) -> [EndpointSlice] {
        slices.list(namespace: service.namespace).filter { slice in
            slice.labels[EndpointSliceDecision.serviceLabel]?.string == service.name && !slice.isDeleting
                && slice.labels[EndpointSliceDecision.managerLabel]?.string == EndpointSliceDecision.manager
        }.map { EndpointSlice($0) }
    }

    /// Slices go with the service that owns them; the Endpoints object has no owner.
    private func removeEndpoints(_ name: ObjectName) async throws(Status) {
        guard let present = endpoints.get(name),
            present.labels[EndpointsDecision.managerLabel]?.string == EndpointsDecision.manager
        else { return }
        try await context.client.delete(Endpoints.self, name, DeletionOptions(preconditionUID: present.uid))
    }
}
