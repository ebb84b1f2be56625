import API
import APIMachinery
import Client

/// Gives an ingress that names no class the default one: of several, the newest (Kubernetes documentation,
/// "DefaultIngressClass").
struct DefaultIngressClass: MutatingAdmission {
    let classes: any ObjectSet

    private static let mark = "ingressclass.kubernetes.io/is-default-class"

    func concerns(_ resource: GroupVersionResource) -> Bool { resource == .ingresses }

    func admit(_ request: inout AdmissionRequest) {
        guard request.operation == .create, request.isMain(.ingresses), let ingress = request.object,
            ingress.at("spec", "ingressClassName") == nil,
            ingress.at("metadata", "annotations", "kubernetes.io/ingress.class") == nil
        else { return }
        let defaults = classes.list(namespace: nil).map { IngressClass($0) }
            .filter { $0.metadata.annotations[Self.mark] == "true" }
        let chosen = defaults.max { a, b in
            let (old, new) = (Self.created(a), Self.created(b))
            return old == new ? a.metadata.name > b.metadata.name : old < new
        }
        if let chosen { request.object?[path: ["spec", "ingressClassName"]] = .string(chosen.metadata.name) }
    }

    private static func created(_ ingressClass: IngressClass) -> String {
        ingressClass.value.at("metadata", "creationTimestamp")?.string ?? ""
    }
}
