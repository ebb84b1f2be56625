import APIMachinery
import Client

/// What is particular to namespaces: they are held by a finalizer in their spec until their content is gone.
struct NamespaceStrategy: ResourceStrategy {
    static let finalizer = "kubernetes"

    func prepareForCreate(_ object: inout Value, _ request: WriteRequest) {
        object["status"] = ["phase": "Active"]
        var finalizers = object.at("spec", "finalizers")?.array ?? []
        if !finalizers.contains(.string(Self.finalizer)) { finalizers.append(.string(Self.finalizer)) }
        object[path: ["spec", "finalizers"]] = .array(finalizers)
        let name = object.at("metadata", "name") ?? ""
        // Set and kept by the API server, so that policies can select a namespace by its name (KEP-2161).
        object[path: ["metadata", "labels", "kubernetes.io/metadata.name"]] = name
    }

    func prepareForUpdate(_ object: inout Value, over current: Value, _ request: WriteRequest) {
        if request.target.subresource != "finalize" {
            object[path: ["spec", "finalizers"]] = current.at("spec", "finalizers")
        }
        object[path: ["metadata", "labels", "kubernetes.io/metadata.name"]] = current.at("metadata", "name")
    }

    func mark(_ object: inout Value) { object[path: ["status", "phase"]] = "Terminating" }
}
