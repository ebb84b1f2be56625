import API
import APIMachinery
import Client

extension Client {
    /// Makes `owner` the controller of the object with this uid, unless the object is another by now.
    func adopt<Owner: ResourceView>(
        _ resource: GroupVersionResource, _ object: StoredObject, by owner: Owner
    ) async throws(Status) {
        // Whoever adopts by a cached view might adopt for an owner that is gone: ask for the present one.
        let present = try await get(Owner.self, owner.objectName)
        guard present.meta.uid == owner.meta.uid, present.meta.deletionTimestamp == nil else {
            throw .conflict(Owner.resource, owner.meta.name, "it is being deleted and adopts nothing")
        }
        var references = (object.value.at("metadata", "ownerReferences")?.array ?? [])
        references.append(owner.controllerReference.value)
        try await setOwners(resource, object, references)
    }

    /// Takes `owner` from the object's owner references.
    func release(
        _ resource: GroupVersionResource, _ object: StoredObject, by ownerUID: String
    ) async throws(Status) {
        let references = (object.value.at("metadata", "ownerReferences")?.array ?? [])
        try await setOwners(resource, object, references.filter { $0["uid"]?.string != ownerUID })
    }

    private func setOwners(
        _ resource: GroupVersionResource, _ object: StoredObject, _ references: [Value]
    ) async throws(Status) {
        try await replaceList(
            ["metadata", "ownerReferences"], in: Target(resource, object.objectName), uid: object.uid,
            version: String(object.revision), with: references)
    }
}
