import API
import APIMachinery
import Client

/// Keeps the pods of a namespace on the nodes that its annotation names (Kubernetes documentation, "PodNodeSelector"). Off
/// unless `--enable-admission-plugins` names it.
///
/// The configuration maps names of namespaces to all that their pods may select, and `clusterDefaultNodeSelector` to what
/// is selected where no annotation says it.
struct PodNodeSelector: MutatingAdmission, ValidatingAdmission {
    let namespaces: any ObjectSet
    private let configuration: [String: String]

    private static let annotation = "scheduler.alpha.kubernetes.io/node-selector"
    private static let byDefault = "clusterDefaultNodeSelector"

    init(namespaces: any ObjectSet, configuration: Value?) {
        self.namespaces = namespaces
        self.configuration = configuration?["podNodeSelectorPluginConfig"]?.strings ?? [:]
    }

    func concerns(_ resource: GroupVersionResource) -> Bool { resource == .pods }

    func admit(_ request: inout AdmissionRequest) throws(Status) {
        guard request.operation == .create, request.isMain(.pods), let pod = request.object else { return }
        let wanted = try wanted(request)
        let own = pod.at("spec", "nodeSelector")?.strings ?? [:]
        guard wanted.allSatisfy({ own[$0.key] == nil || own[$0.key] == $0.value }) else {
            throw request.forbidden("pod node label selector conflicts with its namespace node label selector")
        }
        let all = wanted.merging(own) { $1 }
        if all != own { request.object?[path: ["spec", "nodeSelector"]] = Value(all) }
    }

    func validate(_ request: AdmissionRequest) throws(Status) {
        guard request.operation == .create, request.isMain(.pods) else { return }
        let allowed = try Self.labels(configuration[request.namespace] ?? "")
        guard !allowed.isEmpty else { return }
        let selected = request.object?.at("spec", "nodeSelector")?.strings ?? [:]
        guard selected.allSatisfy({ allowed[$0.key] == $0.value }) else {
            throw request.forbidden("pod node label selector labels conflict with its namespace whitelist")
        }
    }

    /// What the namespace selects.
    private func wanted(_ request: AdmissionRequest) throws(Status) -> [String: String] {
        let namespace = namespaces.get(ObjectName(name: request.namespace))?.value
        let annotation = namespace?.at("metadata", "annotations", Self.annotation)?.string
        return try Self.labels(annotation ?? configuration[Self.byDefault] ?? "")
    }

    private static func labels(_ text: String) throws(Status) -> [String: String] {
        var labels: [String: String] = [:]
        for term in text.split(separator: ",") {
            let parts = term.split(separator: "=", maxSplits: 1).map { $0.filter { $0 != " " } }
            guard parts.count == 2 else {
                throw .internalError("the node selector \(GoText.quoted(text)) is not of the form key=value,key=value")
            }
            labels[parts[0]] = parts[1]
        }
        return labels
    }
}
