import API
public import APIMachinery
public import Client
import Support

/// Empties a namespace that is being deleted, then lets it go.
///
/// The namespace has the finalizer `kubernetes` in its spec, which only the `finalize` subresource takes away
/// (API conventions, "Namespaces"). A pass deletes what is there; the end of the last object brings the pass
/// that finishes. What other servers keep is deleted there; nobody tells when the last of it is gone, so that the
/// namespace is looked at again after a while. While an extension of the API is away, what is its own may be left: the
/// namespace waits for it, and says so.
public struct NamespaceController: Controller {
    public let name = "namespace-controller"
    private let catalog: any ResourceCatalog
    private let foreign: (any ForeignObjects)?
    private static let finalizer = "kubernetes"
    /// When to look again though nothing ended: something may have been created beside the sweep.
    private static let retry: Duration = .seconds(15)

    /// - Parameters:
    ///   - catalog: All that the server serves; what is in namespaces is swept.
    ///   - foreign: What other servers serve; `nil` where there cannot be any.
    public init(catalog: any ResourceCatalog, foreign: (any ForeignObjects)? = nil) {
        (self.catalog, self.foreign) = (catalog, foreign)
    }

    /// With the kinds that come with Kubernetes alone.
    public init() { self.init(catalog: FixedCatalog.builtin) }

    public func run(_ context: ControllerContext) async throws(Status) {
        let namespaces = try await context.client.observe(Namespace.self)
        let services = try await context.client.observe(Self.services, ObservationScope())
        let loop = ReconcileLoop<ObjectName>(context)
        let swept = SweptResources(context) { _, resource in
            // Only an object's end can finish a namespace.
            loop.follow(
                ReconcileLoop<ObjectName>.Source(resource.set) { change in
                    change.new == nil ? [ObjectName(name: change.name.namespace)] : []
                })
        }
        let marked = ReconcileLoop<ObjectName>.Source(namespaces) {
            $0.new?.isDeleting == true ? [$0.name] : []
        }
        try await swept.run(catalog, report: context.log, where: \.isNamespaced) {
            await loop.run([marked]) { name throws(Status) in
                guard let stored = namespaces.get(name), stored.isDeleting else { return nil }
                return try await empty(Namespace(stored), swept.present, Self.absent(services), context)
            }
        }
    }

    private static let services = GroupVersionResource(
        group: "apiregistration.k8s.io", version: "v1", resource: "apiservices")

    /// The versions of the API whose own servers do not answer.
    private static func absent(_ services: any ObjectSet) -> [String] {
        services.list(namespace: nil).compactMap { service in
            let service = service.value
            let conditions = service.at("status", "conditions")?.array ?? []
            guard service.at("spec", "service") ?? .null != .null,
                conditions.contains(where: { $0["type"] == "Available" && $0["status"] == "False" })
            else { return nil }
            return "\(service.at("spec", "group")?.string ?? "")/\(service.at("spec", "version")?.string ?? "")"
        }
    }

    private func empty(
        _ namespace: Namespace, _ swept: [SweptResource], _ absent: [String], _ context: ControllerContext
    ) async throws(Status) -> Duration? {
        guard namespace.spec.finalizers.contains(Self.finalizer) else { return nil }
        var content = await sweep(namespace.metadata.name, swept, context)
        content.undiscovered = Set(content.undiscovered).union(absent).sorted()
        guard content.isEmpty else {
            var reported = namespace
            reported.status.conditions = content.conditions(
                after: namespace.status.conditions, at: context.now())
            if reported != namespace { try await context.client.updateStatus(reported) }
            return Self.retry
        }
        var emptied = namespace
        emptied.spec.finalizers.removeAll { $0 == Self.finalizer }
        let target = Target(.namespaces, namespace.objectName, subresource: "finalize")
        try await context.client.update(target, emptied.value, WriteOptions())
        return nil
    }

    /// Deletes what is there, and says what is left. That one kind fails keeps no other from going, but pods: while one
    /// is left, it finds what it was made with, its network policies too (KEP-5080).
    private func sweep(
        _ namespace: String, _ swept: [SweptResource], _ context: ControllerContext
    ) async -> NamespaceContent {
        let isPods = { (resource: SweptResource) in resource.entry.resource == .pods }
        let pods = await Self.sweep(swept.filter(isPods), of: namespace, context)
        guard pods.isEmpty else { return pods }
        var content = await Self.sweep(swept.filter { !isPods($0) }, of: namespace, context)
        if let foreign { await Self.sweep(foreign, of: namespace, into: &content) }
        return content
    }

    /// Deletes what other servers keep, all at once where they can do that.
    private static func sweep(
        _ foreign: any ForeignObjects, of namespace: String, into content: inout NamespaceContent
    ) async {
        let (known, unknown) = foreign.resources()
        content.undiscovered += unknown
        for entry in known where entry.isNamespaced && entry.verbs.contains("delete") {
            do throws(Status) {
                let left = try await delete(entry, of: namespace, foreign)
                if !left.isEmpty { content.remaining.append(NamespaceContent.Remaining(entry.resource, left)) }
            } catch {
                content.failures.append(error.message)
            }
        }
    }

    /// What is left of a resource afterwards.
    private static func delete(
        _ entry: CatalogEntry, of namespace: String, _ foreign: any ForeignObjects
    ) async throws(Status) -> [Value] {
        let canList = entry.verbs.contains("list")
        if entry.verbs.contains("deletecollection") {
            try await foreign.delete(Target(entry.resource, namespace: namespace))
        } else if canList {
            for object in try await foreign.list(entry.resource, namespace: namespace)
            where object.at("metadata", "deletionTimestamp") == nil {
                let name = object.at("metadata", "name")?.string ?? ""
                guard !name.isEmpty else { continue }
                do throws(Status) {
                    try await foreign.delete(Target(entry.resource, namespace: namespace, name: name))
                } catch {
                    guard error.isNotFound else { throw error }
                }
            }
        }
        return canList ? try await foreign.list(entry.resource, namespace: namespace) : []
    }

    private static func sweep(
        _ swept: [SweptResource], of namespace: String, _ context: ControllerContext
    ) async -> NamespaceContent {
        var content = NamespaceContent()
        for resource in swept {
            let target = resource.entry.resource
            let objects = resource.set.list(namespace: namespace)
            do throws(Status) {
                try await inParallel(objects.filter { !$0.isDeleting }) { object throws(Status) in
                    do throws(Status) {
                        let options = DeletionOptions(
                            propagation: .background, preconditionUID: object.uid)
                        try await context.client.delete(Target(target, object.objectName), options)
                    } catch {
                        guard error.isNotFound || error.isConflict else { throw error }
                    }
                }
            } catch {
                content.failures.append(error.message)
            }
            let left = objects.isEmpty ? [] : resource.set.list(namespace: namespace)
            if !left.isEmpty { content.remaining.append(NamespaceContent.Remaining(target, left)) }
        }
        return content
    }
}
