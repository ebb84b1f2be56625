import API
import APIMachinery
import Client

/// Gives a claim that names no class the default one: of several, the newest (Kubernetes documentation,
/// "DefaultStorageClass").
struct DefaultStorageClass: MutatingAdmission {
    let classes: any ObjectSet

    private static let marks = [
        "storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class",
    ]

    func concerns(_ resource: GroupVersionResource) -> Bool { resource == .persistentVolumeClaims }

    func admit(_ request: inout AdmissionRequest) {
        guard request.operation == .create, request.isMain(.persistentVolumeClaims), let claim = request.object,
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
        if let chosen { request.object?[path: ["spec", "storageClassName"]] = .string(Self.name(chosen)) }
    }

    private static func created(_ object: Value) -> String { object.at("metadata", "creationTimestamp")?.string ?? "" }
    private static func name(_ object: Value) -> String { object.at("metadata", "name")?.string ?? "" }
}

/// Holds volumes and claims by a finalizer while they are in use (KEP "StorageObjectInUseProtection").
struct StorageProtection: MutatingAdmission {
    private static let finalizers: [GroupVersionResource: String] = [
        .persistentVolumes: "kubernetes.io/pv-protection", .persistentVolumeClaims: "kubernetes.io/pvc-protection",
        .volumeAttributesClasses: "kubernetes.io/vac-protection",
    ]

    var name: String { "StorageObjectInUseProtection" }

    func concerns(_ resource: GroupVersionResource) -> Bool { Self.finalizers[resource] != nil }

    func admit(_ request: inout AdmissionRequest) {
        guard request.operation == .create, request.subresource == nil, let finalizer = Self.finalizers[request.resource]
        else { return }
        var present = request.object?.at("metadata", "finalizers")?.array ?? []
        guard !present.contains(.string(finalizer)) else { return }
        present.append(.string(finalizer))
        request.object?[path: ["metadata", "finalizers"]] = .array(present)
    }
}
