import API
import APIMachinery
import Client

/// Keeps pods away from a new node until its kubelet has said that it is ready (Kubernetes documentation, "Taint Nodes by
/// Condition"). The node lifecycle controller takes the taint away.
struct TaintNodesByCondition: MutatingAdmission {
    func concerns(_ resource: GroupVersionResource) -> Bool { resource == .nodes }

    func admit(_ request: inout AdmissionRequest) {
        guard request.operation == .create, request.isMain(.nodes) else { return }
        var taints = request.object?.at("spec", "taints")?.array ?? []
        let taint: Value = ["key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"]
        guard !taints.contains(where: { $0["key"] == taint["key"] && $0["effect"] == taint["effect"] }) else { return }
        taints.append(taint)
        request.object?[path: ["spec", "taints"]] = .array(taints)
    }
}
