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
            throw Status(
                code: 403, reason: .forbidden,
                message: "namespaces \"\(request.target.name)\" is forbidden: this namespace may not be deleted",
                details: Status.Details(name: request.target.name, kind: "namespaces"))
        }
        guard request.verb == .create, !request.target.namespace.isEmpty else { return }
        let name = request.target.namespace
        guard let namespace = namespaces.get(ObjectName(name: name)) else { throw .notFound(.namespaces, name) }
        guard namespace.isDeleting else { return }
        let resource = request.target.resource
        let objectName = object?.at("metadata", "name")?.string ?? ""
        throw Status(
            code: 403, reason: .forbidden,
            message: "\(resource.groupResource) \"\(objectName)\" is forbidden: unable to create new content in "
                + "namespace \(name) because it is being terminated",
            details: Status.Details(
                name: objectName, group: resource.group, kind: resource.resource,
                causes: [
                    Status.Cause(
                        reason: "NamespaceTerminating", message: "namespace \(name) is being terminated",
                        field: "metadata.namespace")
                ]))
    }
}
