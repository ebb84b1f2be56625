import API
import APIMachinery
import Client

/// Gives each pod the priority that its class says (Kubernetes documentation, "Priority").
struct PriorityAdmission: MutatingAdmission {
    let classes: any ObjectSet

    var name: String { "Priority" }

    func concerns(_ resource: GroupVersionResource) -> Bool { resource == .pods }

    func admit(_ request: inout AdmissionRequest) throws(Status) {
        guard request.operation == .create, request.isMain(.pods), var pod = request.object else { return }
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
        request.object = pod
    }
}

/// Lets each pod stay for five minutes on a node that is not ready or unreachable, unless it says otherwise.
struct DefaultTolerationSeconds: MutatingAdmission {
    private static let seconds: Int64 = 300

    func concerns(_ resource: GroupVersionResource) -> Bool { resource == .pods }

    func admit(_ request: inout AdmissionRequest) {
        guard request.operation == .create, request.isMain(.pods), let pod = request.object else { return }
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
        request.object?[path: ["spec", "tolerations"]] = .array(tolerations)
    }
}
