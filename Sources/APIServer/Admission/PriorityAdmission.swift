import API
import APIMachinery
import Client

/// Gives each pod the priority that its class says, and keeps the default class the only one (Kubernetes documentation,
/// "Priority").
struct PriorityAdmission: MutatingAdmission, ValidatingAdmission {
    let classes: any ObjectSet

    var name: String { "Priority" }

    func concerns(_ resource: GroupVersionResource) -> Bool { resource == .pods || resource == .priorityClasses }

    func admit(_ request: inout AdmissionRequest) throws(Status) {
        guard request.isMain(.pods), var pod = request.object else { return }
        switch request.operation {
        case .create: try complete(&pod, request)
        case .update:
            // Whoever writes the whole pod without them means them to stay.
            for key in ["priority", "preemptionPolicy"] where pod.at("spec", key) == nil {
                pod[path: ["spec", key]] = request.oldObject?.at("spec", key)
            }
        case .delete, .connect: return
        }
        request.object = pod
    }

    private func complete(_ pod: inout Value, _ request: AdmissionRequest) throws(Status) {
        let name = pod.at("spec", "priorityClassName")?.string ?? ""
        let priorityClass: Value?
        if name.isEmpty {
            priorityClass = defaultClass
            if let found = priorityClass?.at("metadata", "name") { pod[path: ["spec", "priorityClassName"]] = found }
        } else {
            priorityClass = classes.get(ObjectName(name: name))?.value
            guard priorityClass != nil else {
                throw request.forbidden("no PriorityClass with name \(name) was found")
            }
        }
        let priority = priorityClass?["value"]?.integer ?? 0
        if let asked = pod.at("spec", "priority")?.integer, asked != priority {
            throw request.forbidden(
                "the integer value of priority (\(asked)) must not be provided in pod spec; priority admission "
                    + "controller computed \(priority) from the given PriorityClass name")
        }
        let policy = priorityClass?["preemptionPolicy"]?.string ?? "PreemptLowerPriority"
        if let asked = pod.at("spec", "preemptionPolicy")?.string, asked != policy {
            throw request.forbidden(
                "the string value of PreemptionPolicy (\(asked)) must not be provided in pod spec; priority admission "
                    + "controller computed \(policy) from the given PriorityClass name")
        }
        pod[path: ["spec", "priority"]] = .integer(priority)
        pod[path: ["spec", "preemptionPolicy"]] = .string(policy)
    }

    /// Of several, which only a race can leave, the lowest.
    private var defaultClass: Value? {
        classes.list(namespace: nil).map(\.value).filter { $0["globalDefault"] == true }
            .min { ($0["value"]?.integer ?? 0) < ($1["value"]?.integer ?? 0) }
    }

    func validate(_ request: AdmissionRequest) throws(Status) {
        guard request.isMain(.priorityClasses), request.object?["globalDefault"] == true,
            let present = defaultClass?.at("metadata", "name")?.string, present != request.objectName
        else { return }
        throw request.forbidden(
            "PriorityClass \(present) is already marked as default. Only one default can exist")
    }
}
