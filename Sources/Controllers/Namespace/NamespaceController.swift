public import API
public import APIMachinery
import Client
import Support

/// Empties a namespace that is being deleted, then lets it go.
///
/// The namespace has the finalizer `kubernetes` in its spec, which only the `finalize` subresource takes away
/// (API conventions, "Namespaces"). A pass deletes what is there; the end of the last object brings the pass
/// that finishes.
public struct NamespaceController: Controller {
    public let name = "namespace-controller"
    private let resources: [ResourceDefinition]
    private static let finalizer = "kubernetes"

    /// - Parameter resources: All that the server serves; those in namespaces are swept.
    public init(resources: [ResourceDefinition] = BuiltinResources.shared.resources) {
        self.resources = resources.filter(\.isNamespaced)
    }

    public func run(_ context: ControllerContext) async throws(Status) {
        let namespaces = try await context.client.observe(Namespace.self)
        let swept = try await SweptResource.observe(resources, context.client)
        let loop = ReconcileLoop<ObjectName>(context)
        let deletions = swept.map { resource in
            // Only an object's end can finish a namespace.
            ReconcileLoop<ObjectName>.Source(resource.set) { change in
                change.new == nil ? [ObjectName(name: change.name.namespace)] : []
            }
        }
        let marked = ReconcileLoop<ObjectName>.Source(namespaces) {
            $0.new?.isDeleting == true ? [$0.name] : []
        }
        await loop.run([marked] + deletions) { name throws(Status) in
            guard let stored = namespaces.get(name), stored.isDeleting else { return nil }
            try await Self.sweep(Namespace(stored), swept, context)
            return nil
        }
    }

    private static func sweep(
        _ namespace: Namespace, _ swept: [SweptResource], _ context: ControllerContext
    ) async throws(Status) {
        guard namespace.spec.finalizers.contains(finalizer) else { return }
        for resource in swept {
            let target = resource.definition.resource
            let objects = resource.set.list(namespace: namespace.metadata.name).filter { !$0.isDeleting }
            try await inParallel(objects) { object throws(Status) in
                do throws(Status) {
                    let options = DeletionOptions(propagation: .background, preconditionUID: object.uid)
                    try await context.client.delete(Target(target, object.objectName), options)
                } catch {
                    guard error.isNotFound else { throw error }
                }
            }
        }
        guard swept.allSatisfy({ $0.set.list(namespace: namespace.metadata.name).isEmpty }) else { return }
        var emptied = namespace
        emptied.spec.finalizers.removeAll { $0 == finalizer }
        let target = Target(.namespaces, namespace.objectName, subresource: "finalize")
        try await context.client.update(target, emptied.value, WriteOptions())
    }
}
