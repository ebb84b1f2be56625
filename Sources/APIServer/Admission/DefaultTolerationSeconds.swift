import API
import APIMachinery
import Client

/// Lets each pod stay for a while on a node that is not ready or unreachable, unless it says otherwise.
struct DefaultTolerationSeconds: MutatingAdmission {
    /// Seconds.
    let notReady: Int64
    let unreachable: Int64

    func concerns(_ resource: GroupVersionResource) -> Bool { resource == .pods }

    func admit(_ request: inout AdmissionRequest) {
        guard request.operation == .create || request.operation == .update, request.isMain(.pods),
            let pod = request.object
        else { return }
        var tolerations = pod.at("spec", "tolerations")?.array ?? []
        for (key, seconds) in [
            ("node.kubernetes.io/not-ready", notReady), ("node.kubernetes.io/unreachable", unreachable),
        ] {
            let isTolerated = tolerations.contains { toleration in
                let (named, effect) = (toleration["key"]?.string ?? "", toleration["effect"]?.string ?? "")
                return (named == key || named.isEmpty) && (effect == "NoExecute" || effect.isEmpty)
            }
            guard !isTolerated else { continue }
            tolerations.append([
                "key": .string(key), "operator": "Exists", "effect": "NoExecute",
                "tolerationSeconds": .integer(seconds),
            ])
        }
        if tolerations != pod.at("spec", "tolerations")?.array ?? [] {
            request.object?[path: ["spec", "tolerations"]] = .array(tolerations)
        }
    }
}
