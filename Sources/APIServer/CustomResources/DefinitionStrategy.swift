import APIMachinery
import Client

/// What is particular to definitions of custom resources: which versions objects may lie in, and that objects go before
/// their definition.
struct DefinitionStrategy: ResourceStrategy {
    func prepareForCreate(_ object: inout Value, _ request: WriteRequest) {
        let storage = CustomDefinition(object).storageVersion?.name
        object["status"] = [
            "conditions": [], "acceptedNames": ["kind": "", "plural": ""],
            "storedVersions": .array(storage.map { [.string($0)] } ?? []),
        ]
    }

    /// From now on objects may be written in the storage version; that none lies in an older one only somebody who moved
    /// them can say, by taking the older from the status (Kubernetes documentation, "Upgrade existing objects").
    func prepareForUpdate(_ object: inout Value, over current: Value, _ request: WriteRequest) {
        guard request.target.subresource == nil, let storage = CustomDefinition(object).storageVersion?.name else {
            return
        }
        let stored = CustomDefinition(object).storedVersions
        if !stored.contains(storage) { object[path: ["status", "storedVersions"]] = Value(stored + [storage]) }
    }

    func beginDeletion(_ object: inout Value) {
        var finalizers = CustomDefinition(object).finalizers
        guard !finalizers.contains(CustomDefinition.cleanupFinalizer) else { return }
        finalizers.append(CustomDefinition.cleanupFinalizer)
        object[path: ["metadata", "finalizers"]] = Value(finalizers)
    }

    func mark(_ object: inout Value) {
        var conditions = object.at("status", "conditions")?.array ?? []
        guard !conditions.contains(where: { $0["type"] == "Terminating" }) else { return }
        conditions.append([
            "type": "Terminating", "status": "True", "reason": "InstanceDeletionPending",
            "message": "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
            "lastTransitionTime": object.at("metadata", "deletionTimestamp") ?? .null,
        ])
        object[path: ["status", "conditions"]] = .array(conditions)
    }
}
