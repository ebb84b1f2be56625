import API
import APIMachinery
import Client

/// Nothing is created in a namespace that does not exist, or that is going away; the namespaces that every cluster needs
/// stay (Kubernetes documentation, "NamespaceLifecycle").
///
/// It changes nothing, and is among those that do, so that it speaks before others miss what was in the namespace.
struct NamespaceLifecycle: MutatingAdmission {
    let namespaces: any ObjectSet

    private static let immortal: Set<String> = ["default", "kube-system", "kube-public"]

    func admit(_ request: inout AdmissionRequest) throws(Status) {
        if request.operation == .delete, request.isMain(.namespaces), Self.immortal.contains(request.name) {
            throw request.forbidden("this namespace may not be deleted")
        }
        guard request.operation == .create, !request.namespace.isEmpty, !Self.isQuestion(request) else { return }
        let name = request.namespace
        guard let namespace = namespaces.get(ObjectName(name: name)) else { throw .notFound(.namespaces, name) }
        guard namespace.isDeleting else { return }
        throw request.forbidden(
            "unable to create new content in namespace \(name) because it is being terminated",
            causes: [
                Status.Cause(
                    reason: "NamespaceTerminating", message: "namespace \(name) is being terminated",
                    field: "metadata.namespace")
            ])
    }

    /// What may be done in a namespace can be asked before there is one.
    private static func isQuestion(_ request: AdmissionRequest) -> Bool {
        request.target.resource.groupResource == "localsubjectaccessreviews.authorization.k8s.io"
    }
}
