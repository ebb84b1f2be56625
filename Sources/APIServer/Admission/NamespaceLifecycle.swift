import API
import APIMachinery
import Client

/// Nothing is created in a namespace that does not exist, or that is going away; the namespaces that every cluster needs
/// stay (Kubernetes documentation, "NamespaceLifecycle").
struct NamespaceLifecycle: AdmissionPlugin {
    let namespaces: any ObjectSet

    private static let immortal: Set<String> = ["default", "kube-system", "kube-public"]

    func validate(_ object: Value?, _ request: WriteRequest, over current: Value?) throws(Status) {
        if request.verb == .delete, request.target.resource == .namespaces, Self.immortal.contains(request.target.name) {
            throw .forbidden(.namespaces, request.target.name, "this namespace may not be deleted")
        }
        guard request.verb == .create, !request.target.namespace.isEmpty else { return }
        let name = request.target.namespace
        guard let namespace = namespaces.get(ObjectName(name: name)) else { throw .notFound(.namespaces, name) }
        guard namespace.isDeleting else { return }
        throw .forbidden(
            request.target.resource, object?.at("metadata", "name")?.string ?? "",
            "unable to create new content in namespace \(name) because it is being terminated",
            causes: [
                Status.Cause(
                    reason: "NamespaceTerminating", message: "namespace \(name) is being terminated",
                    field: "metadata.namespace")
            ])
    }
}
