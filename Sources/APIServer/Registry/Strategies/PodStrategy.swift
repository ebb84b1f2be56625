import API
import APIMachinery
import Client

/// What is particular to pods: they begin Pending, their quality of service is computed once, and their deletion gives
/// their containers time.
struct PodStrategy: ResourceStrategy {
    func prepareForCreate(_ object: inout Value, _ request: WriteRequest) {
        object["status"] = ["phase": "Pending", "qosClass": .string(Self.qosClass(of: object))]
    }

    func prepareForUpdate(_ object: inout Value, over current: Value, _ request: WriteRequest) {
        // The class follows from the containers, which do not change class by an update.
        object[path: ["status", "qosClass"]] = current.at("status", "qosClass")
    }

    func gracePeriod(for object: Value, _ options: DeletionOptions) -> Int {
        let phase = object.at("status", "phase")?.string
        // A pod that no node knows, or that has ended, has nothing to wait for.
        if (object.at("spec", "nodeName")?.string ?? "").isEmpty || phase == "Succeeded" || phase == "Failed" { return 0 }
        if let asked = options.gracePeriodSeconds { return max(asked, 0) }
        return Int(object.at("spec", "terminationGracePeriodSeconds")?.integer ?? 30)
    }

    /// Guaranteed, Burstable or BestEffort by the requests and limits of cpu and memory (Kubernetes documentation,
    /// "Pod Quality of Service Classes").
    static func qosClass(of pod: Value) -> String {
        let containers =
            (pod.at("spec", "containers")?.array ?? []) + (pod.at("spec", "initContainers")?.array ?? [])
        var (hasAny, isGuaranteed) = (false, true)
        for container in containers {
            let limits = container.at("resources", "limits")?.strings ?? [:]
            let requests = container.at("resources", "requests")?.strings ?? [:]
            for resource in ["cpu", "memory"] {
                let (limit, request) = (limits[resource], requests[resource])
                if limit != nil || request != nil { hasAny = true }
                if limit == nil || (request ?? limit) != limit { isGuaranteed = false }
            }
        }
        return hasAny ? (isGuaranteed ? "Guaranteed" : "Burstable") : "BestEffort"
    }
}
