import API
public import APIMachinery
import Client

/// Mirrors Endpoints of services without a selector into EndpointSlices.
public struct EndpointSliceMirroring: Controller {
    public let name = "endpointslice-mirroring-controller"

    public init() {}

    public func run(_ context: ControllerContext) async throws(Status) {
        let endpoints = try await context.client.observe(Endpoints.self)
        let services = try await context.client.observe(Service.self)
        let slices = try await context.client.observe(
            EndpointSlice.self,
            ObservationScope(labelSelector: "\(EndpointSliceDecision.managerLabel)=\(EndpointMirror.manager)"))
        let owners = LabelIndex(slices)
        let touched = ReconcileLoop<ObjectName>.Source(slices) { change in
            owners.take(change)
            let labels = (change.new ?? change.old)?.labels
            guard let service = labels?[EndpointSliceDecision.serviceLabel]?.string else { return [] }
            return [ObjectName(namespace: change.name.namespace, name: service)]
        }
        await ReconcileLoop<ObjectName>(context).run([touched, .own(endpoints), .own(services)]) { name throws(Status) in
            let selector = try Self.selector(of: name)
            let present = owners.objects(matching: selector, in: name.namespace).filter { !$0.isDeleting }
            let mirror = EndpointMirror(
                endpoints: endpoints.get(Endpoints.self, name), service: services.get(Service.self, name),
                slices: present.map { EndpointSlice($0) })
            let actions = mirror.actions
            for action in actions { try await context.client.perform(action) }
            if let object = mirror.endpoints, !actions.isEmpty {
                for note in mirror.notes { context.record(note, about: object) }
            }
            return nil
        }
    }

    private static func selector(of name: ObjectName) throws(Status) -> LabelSelector {
        do throws(SelectorError) {
            return try LabelSelector("\(EndpointSliceDecision.serviceLabel)=\(name.name)")
        } catch {
            throw .internalError("the slices of \(name) cannot be selected: \(error)")
        }
    }
}

extension Client {
    /// Writes what was decided about a slice.
    func perform(_ action: SlicePacking.Action) async throws(Status) {
        switch action {
        case .create(let slice): try await create(slice)
        case .update(let slice): try await update(slice)
        case .delete(let slice): try await delete(EndpointSlice.self, slice.objectName)
        }
    }
}
