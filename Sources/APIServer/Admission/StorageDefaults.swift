import API
import APIMachinery
import Client

/// Gives a claim that names no class the default one: of several, the newest (Kubernetes documentation,
/// "DefaultStorageClass").
struct DefaultStorageClass: AdmissionPlugin {
    let classes: any ObjectSet

    private static let marks = [
        "storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class",
    ]

    func admit(_ claim: inout Value, _ request: WriteRequest, over current: Value?) {
        guard request.verb == .create, request.target.resource == .persistentVolumeClaims,
            claim.at("spec", "storageClassName") == nil,
            claim.at("metadata", "annotations", "volume.beta.kubernetes.io/storage-class") == nil
        else { return }
        let defaults = classes.list(namespace: nil).map(\.value).filter { candidate in
            Self.marks.contains { candidate.at("metadata", "annotations", $0) == "true" }
        }
        // The newest; of equal age the first by name.
        let chosen = defaults.max { a, b in
            let (old, new) = (Self.created(a), Self.created(b))
            return old == new ? Self.name(a) > Self.name(b) : old < new
        }
        if let chosen { claim[path: ["spec", "storageClassName"]] = .string(Self.name(chosen)) }
    }

    private static func created(_ object: Value) -> String { object.at("metadata", "creationTimestamp")?.string ?? "" }
    private static func name(_ object: Value) -> String { object.at("metadata", "name")?.string ?? "" }
}

/// Holds volumes and claims by a finalizer while they are in use (KEP "StorageObjectInUseProtection").
struct StorageProtection: AdmissionPlugin {
    private static let finalizers: [GroupVersionResource: String] = [
        .persistentVolumes: "kubernetes.io/pv-protection", .persistentVolumeClaims: "kubernetes.io/pvc-protection",
    ]

    func admit(_ object: inout Value, _ request: WriteRequest, over current: Value?) {
        guard request.verb == .create, let finalizer = Self.finalizers[request.target.resource] else { return }
        var present = object.at("metadata", "finalizers")?.array ?? []
        guard !present.contains(.string(finalizer)) else { return }
        present.append(.string(finalizer))
        object[path: ["metadata", "finalizers"]] = .array(present)
    }
}
