import API
import APIMachinery
import Client

extension Client {
    /// Makes `owner` the controller of the object with this uid, unless the object is another by now. The finalizer is
    /// what the owner's objects hold.
    func adopt<Owner: ResourceView>(
        _ resource: GroupVersionResource, _ object: StoredObject, by owner: Owner, finalizer: String? = nil
    ) async throws(Status) {
        // Whoever adopts by a cached view might adopt for an owner that is gone: ask for the present one.
        let present = try await get(Owner.self, owner.objectName)
        guard present.meta.uid == owner.meta.uid, present.meta.deletionTimestamp == nil else {
            throw .conflict(Owner.resource, owner.meta.name, "it is being deleted and adopts nothing")
        }
        var references = (object.value.at("metadata", "ownerReferences")?.array ?? [])
        references.append(owner.controllerReference.value)
        var lists = [Self.owners: references]
        if let finalizer {
            let present = object.value[path: Self.finalizers]?.array ?? []
            lists[Self.finalizers] = present.filter { $0.string != finalizer } + [.string(finalizer)]
        }
        try await replace(lists, resource, object)
    }

    /// Takes `owner` from the object's owner references, and the finalizer that its objects hold.
    func release(
        _ resource: GroupVersionResource, _ object: StoredObject, by ownerUID: String, finalizer: String? = nil
    ) async throws(Status) {
        let references = (object.value.at("metadata", "ownerReferences")?.array ?? [])
        var lists = [Self.owners: references.filter { $0["uid"]?.string != ownerUID }]
        if let finalizer {
            lists[Self.finalizers] = object.value[path: Self.finalizers]?.array?.filter { $0.string != finalizer }
        }
        try await replace(lists, resource, object)
    }

    private static var owners: [String] { ["metadata", "ownerReferences"] }
    private static var finalizers: [String] { ["metadata", "finalizers"] }

    private func replace(
        _ lists: [[String]: [Value]], _ resource: GroupVersionResource, _ object: StoredObject
    ) async throws(Status) {
        try await replaceLists(
            lists, in: Target(resource, object.objectName), uid: object.uid, version: String(object.revision))
    }
}
