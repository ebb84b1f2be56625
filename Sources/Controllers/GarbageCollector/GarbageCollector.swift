import API
public import APIMachinery
public import Client
import Support
import Synchronization

/// Deletes what nobody owns any more, and carries foreground and orphaning deletions out.
public struct GarbageCollector: Controller {
    public let name = "garbage-collector-controller"
    private let catalog: any ResourceCatalog

    /// - Parameter catalog: All that the server serves. Events own nothing and are owned by nothing: left out.
    public init(catalog: any ResourceCatalog) { self.catalog = catalog }

    /// With the kinds that come with Kubernetes alone.
    public init() { self.init(catalog: FixedCatalog.builtin) }

    public func run(_ context: ControllerContext) async throws(Status) {
        let graph = SharedGraph()
        let loop = ReconcileLoop<String>(context)
        let swept = SweptResources(context) { place, resource in
            loop.follow(ReconcileLoop<String>.Source(resource.set) { Array(graph.take($0, resource: place)) })
        }
        let work = CollectionWork(context: context, resources: swept, graph: graph)
        try await swept.run(catalog, report: context.log, where: { $0.resource.resource != "events" }) {
            await loop.run([]) { uid throws(Status) in
                try await work.collect(uid)
                return nil
            }
        }
    }
}

/// The graph as all observations feed it and all workers read it.
private final class SharedGraph: Sendable {
    private let graph = Mutex(OwnershipGraph())

    func take(_ change: ObjectChange, resource: Int) -> Set<String> {
        graph.withLock { graph in
            var work: Set<String> = []
            if let old = change.old, old.uid != change.new?.uid { work = graph.remove(old.uid) }
            guard let new = change.new else { return work }
            let node = OwnershipGraph.Node(
                resource: resource, name: new.objectName, owners: new.owners.map(\.uid),
                isDeleting: new.isDeleting)
            return work.union(graph.put(new.uid, node))
        }
    }

    func node(_ uid: String) -> OwnershipGraph.Node? { graph.withLock { $0.nodes[uid] } }

    func dependents(of uid: String) -> [(uid: String, node: OwnershipGraph.Node)] {
        graph.withLock { graph in
            graph.dependents(of: uid).sorted().compactMap { uid in graph.nodes[uid].map { (uid, $0) } }
        }
    }
}

/// One pass over one object.
private struct CollectionWork: Sendable {
    let context: ControllerContext
    let resources: SweptResources
    let graph: SharedGraph

    func collect(_ uid: String) async throws(Status) {
        guard let node = graph.node(uid), let object = present(uid, node),
            let resource = resources[node.resource]?.entry.resource
        else { return }
        let metadata = metadata(of: object)
        var owners: [String: CollectionDecision.OwnerState] = [:]
        if !object.isDeleting {
            for reference in metadata.ownerReferences {
                owners[reference.uid] = try await state(reference, uid, node)
            }
        }
        let dependents = graph.dependents(of: uid)
        let decision = CollectionDecision(
            metadata: metadata, owners: owners, hasDependents: !dependents.isEmpty,
            hasWaitingDependent: dependents.contains { present($0.uid, $0.node).map(waits) == true },
            isBlocked: dependents.contains { blocks($0.uid, $0.node, uid) })
        let target = Target(resource, node.name)
        switch decision.action {
        case nil: return
        case .disown(let uids): try await disown(target, object, uids)
        case .delete(let propagation):
            let options = DeletionOptions(propagation: propagation, preconditionUID: uid)
            try await context.client.delete(target, options)
        case .leaveCircle:
            try await stopBlocking(target, object)
            let options = DeletionOptions(propagation: .foreground, preconditionUID: uid)
            try await context.client.delete(target, options)
        case .orphanDependents:
            for dependent in dependents {
                guard let child = present(dependent.uid, dependent.node),
                    let resource = resources[dependent.node.resource]?.entry.resource
                else { continue }
                try await disown(Target(resource, dependent.node.name), child, [uid])
            }
            try await removeFinalizer(CollectionDecision.orphan, target, object)
        case .removeForegroundFinalizer:
            try await removeFinalizer(CollectionDecision.foreground, target, object)
        }
    }

    private func present(_ uid: String, _ node: OwnershipGraph.Node) -> StoredObject? {
        resources[node.resource]?.set.get(node.name).flatMap { $0.uid == uid ? $0 : nil }
    }

    private func metadata(of object: StoredObject) -> ObjectMeta {
        ObjectMeta(object.value(at: "metadata") ?? .emptyObject)
    }

    /// Whether the object is being deleted in the foreground.
    private func waits(_ object: StoredObject) -> Bool {
        object.isDeleting && metadata(of: object).finalizers.contains(CollectionDecision.foreground)
    }

    private func blocks(_ uid: String, _ node: OwnershipGraph.Node, _ owner: String) -> Bool {
        guard let object = present(uid, node) else { return false }
        return metadata(of: object).ownerReferences.contains {
            $0.uid == owner && $0.blockOwnerDeletion == true
        }
    }

    private func state(
        _ reference: OwnerReference, _ uid: String, _ dependent: OwnershipGraph.Node
    ) async throws(Status) -> CollectionDecision.OwnerState {
        let known = graph.node(reference.uid)
        if let known, dependent.canBeOwned(by: known), let owner = present(reference.uid, known) {
            return waits(owner) ? .waiting : .present
        }
        let kind = GroupVersionKind(apiVersion: reference.apiVersion, kind: reference.kind)
        guard let entry = resources.present.first(where: { $0.entry.kind.isSameKind(as: kind) })?.entry else {
            return .untold
        }
        if let known, !dependent.canBeOwned(by: known) { tellWrongNamespace(reference, uid, dependent) }
        if entry.isNamespaced, dependent.name.namespace.isEmpty { return .untold }
        let name = ObjectName(
            namespace: entry.isNamespaced ? dependent.name.namespace : "", name: reference.name)
        do throws(Status) {
            return try await context.client.get(Target(entry.resource, name)).uid == reference.uid
                ? .present : .absent
        } catch {
            guard error.isNotFound else { throw error }
            return .absent
        }
    }

    private func tellWrongNamespace(_ reference: OwnerReference, _ uid: String, _ dependent: OwnershipGraph.Node) {
        guard let kind = resources[dependent.resource]?.entry.kind else { return }
        let namespace = dependent.name.namespace
        let owner = "\(reference.apiVersion)/\(reference.kind), namespace: \(namespace), name: \(reference.name), "
        let message = "ownerRef [\(owner)uid: \(reference.uid)] does not exist in namespace \"\(namespace)\""
        let subject = EventNote.Subject(
            apiVersion: kind.apiVersion, kind: kind.kind, name: dependent.name, uid: uid)
        context.events.record(
            EventNote(subject, .warning, reason: "OwnerRefInvalidNamespace", message: message, at: context.now()))
    }

    private func disown(_ target: Target, _ object: StoredObject, _ uids: [String]) async throws(Status) {
        let references = object.value.at("metadata", "ownerReferences")?.array ?? []
        let kept = references.filter { !uids.contains($0["uid"]?.string ?? "") }
        guard kept.count < references.count else { return }
        try await patchMetadata(target, object, "ownerReferences", kept)
    }

    private func stopBlocking(_ target: Target, _ object: StoredObject) async throws(Status) {
        let references = object.value.at("metadata", "ownerReferences")?.array ?? []
        let loose = references.map { reference in
            var reference = reference
            reference["blockOwnerDeletion"] = false
            return reference
        }
        if loose != references { try await patchMetadata(target, object, "ownerReferences", loose) }
    }

    private func removeFinalizer(_ finalizer: String, _ target: Target, _ object: StoredObject)
        async throws(Status)
    {
        let finalizers = object.value.at("metadata", "finalizers")?.array ?? []
        try await patchMetadata(target, object, "finalizers", finalizers.filter { $0.string != finalizer })
    }

    private func patchMetadata(
        _ target: Target, _ object: StoredObject, _ field: String, _ list: [Value]
    ) async throws(Status) {
        try await context.client.replaceList(
            ["metadata", field], in: target, uid: object.uid, version: String(object.revision), with: list)
    }
}

extension GroupVersionKind {
    /// The same kind, in whichever version.
    fileprivate func isSameKind(as other: GroupVersionKind) -> Bool {
        group == other.group && kind == other.kind
    }
}
