import API
import APIMachinery
import Client

/// Tells a pod in its labels in which zone and region its node is (KEP-4742), when it is bound or created there.
struct PodTopologyLabels: MutatingAdmission {
    let nodes: any ObjectSet

    private static let labels = ["topology.kubernetes.io/region", "topology.kubernetes.io/zone"]

    func concerns(_ resource: GroupVersionResource) -> Bool { resource == .pods || resource == .bindings }

    func admit(_ request: inout AdmissionRequest) {
        guard request.operation == .create, let object = request.object else { return }
        let node: String?
        switch (request.resource, request.subresource) {
        case (.pods, "binding"), (.bindings, nil): node = object.at("target", "name")?.string
        case (.pods, nil): node = object.at("spec", "nodeName")?.string
        default: return
        }
        guard let node, !node.isEmpty, let labels = nodes.get(ObjectName(name: node))?.labels else { return }
        for label in Self.labels {
            if let value = labels[label] { request.object?[path: ["metadata", "labels", label]] = value }
        }
    }
}
