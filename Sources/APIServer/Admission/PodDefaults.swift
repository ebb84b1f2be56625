import API
import APIMachinery
import Client

/// Gives each pod the priority that its class says (Kubernetes documentation, "Priority").
struct PriorityAdmission: AdmissionPlugin {
    let classes: any ObjectSet

    func admit(_ pod: inout Value, _ request: WriteRequest, over current: Value?) throws(Status) {
        guard request.verb == .create, request.target.resource == .pods, request.target.subresource == nil else { return }
        let name = pod.at("spec", "priorityClassName")?.string ?? ""
        let priorityClass: Value?
        if name.isEmpty {
            priorityClass = classes.list(namespace: nil).map(\.value).first { $0["globalDefault"] == true }
            if let found = priorityClass?.at("metadata", "name") { pod[path: ["spec", "priorityClassName"]] = found }
        } else {
            priorityClass = classes.get(ObjectName(name: name))?.value
            guard priorityClass != nil else {
                throw .forbidden(
                    .pods, pod.at("metadata", "name")?.string ?? "", "no PriorityClass with name \(name) was found")
            }
        }
        pod[path: ["spec", "priority"]] = priorityClass?["value"] ?? 0
        pod[path: ["spec", "preemptionPolicy"]] = priorityClass?["preemptionPolicy"] ?? "PreemptLowerPriority"
    }
}

/// Lets each pod stay for five minutes on a node that is not ready or unreachable, unless it says otherwise.
struct DefaultTolerationSeconds: AdmissionPlugin {
    private static let seconds: Int64 = 300

    func admit(_ pod: inout Value, _ request: WriteRequest, over current: Value?) {
        guard request.verb == .create, request.target.resource == .pods, request.target.subresource == nil else { return }
        var tolerations = pod.at("spec", "tolerations")?.array ?? []
        for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
            let isTolerated = tolerations.contains { toleration in
                let (named, effect) = (toleration["key"]?.string ?? "", toleration["effect"]?.string ?? "")
                return (named == key || named.isEmpty) && (effect == "NoExecute" || effect.isEmpty)
            }
            guard !isTolerated else { continue }
            tolerations.append([
                "key": .string(key), "operator": "Exists", "effect": "NoExecute",
                "tolerationSeconds": .integer(Self.seconds),
            ])
        }
        pod[path: ["spec", "tolerations"]] = .array(tolerations)
    }
}
