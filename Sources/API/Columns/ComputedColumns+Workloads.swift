import APIMachinery
import Support

// Deployments, jobs and autoscalers.
extension ComputedColumns {
    static let readyReplicas: ComputedCell = { object, _ in
        let ready = object.at("status", "readyReplicas")?.integer ?? 0
        return .string("\(ready)/\(object.at("spec", "replicas")?.integer ?? 0)")
    }

    static let job: [String: ComputedCell] = [
        "Status": { job, _ in
            if hasCondition("Complete", of: job) { return "Complete" }
            if hasCondition("Failed", of: job) { return "Failed" }
            if isDeleting(job) { return "Terminating" }
            for type in ["Suspended", "FailureTarget", "SuccessCriteriaMet"] where hasCondition(type, of: job)
            {
                return .string(type)
            }
            return "Running"
        },
        "Completions": { job, _ in
            let succeeded = job.at("status", "succeeded")?.integer ?? 0
            if let wanted = job.at("spec", "completions")?.integer {
                return .string("\(succeeded)/\(wanted)")
            }
            let parallel = job.at("spec", "parallelism")?.integer ?? 0
            return .string(parallel > 1 ? "\(succeeded)/1 of \(parallel)" : "\(succeeded)/1")
        },
        "Duration": { job, now in
            guard let start = time(job.at("status", "startTime")) else { return "" }
            return .string(Age.text((time(job.at("status", "completionTime")) ?? now) - start))
        },
    ]

    static func controller(_ object: Value) -> String {
        let owners = object.at("metadata", "ownerReferences")?.array ?? []
        guard let owner = owners.first(where: { $0["controller"]?.bool == true }) else { return "<none>" }
        let version = GroupVersionKind(
            apiVersion: owner["apiVersion"]?.string ?? "", kind: owner["kind"]?.string ?? "")
        let kind = version.kind.lowercased() + (version.group.isEmpty ? "" : "." + version.group)
        return "\(kind)/\(owner["name"]?.string ?? "")"
    }

    // MARK: - Autoscalers

    private static let scaleTarget: ComputedCell = { object, _ in
        let target = object.at("spec", "scaleTargetRef")
        return .string("\(target?["kind"]?.string ?? "")/\(target?["name"]?.string ?? "")")
    }

    static let autoscalerV1: [String: ComputedCell] = [
        "Reference": scaleTarget,
        "Targets": { object, _ in
            guard let target = object.at("spec", "targetCPUUtilizationPercentage")?.integer else {
                return "<none>"
            }
            let current = object.at("status", "currentCPUUtilizationPercentage")?.integer
            return .string("cpu: \(current.map { "\($0)%" } ?? "<unknown>")/\(target)%")
        },
    ]

    static let autoscalerV2: [String: ComputedCell] = [
        "Reference": scaleTarget,
        "Targets": { object, _ in
            let metrics = object.at("spec", "metrics")?.array ?? []
            let current = object.at("status", "currentMetrics")?.array ?? []
            let items = metrics.enumerated().map { index, metric in
                target(metric, current.indices.contains(index) ? current[index] : nil)
            }
            return items.isEmpty ? "<none>" : .string(ColumnDefinition.joined(items, with: ", ", most: 2))
        },
    ]

    /// One metric's present value and its target.
    private static func target(_ metric: Value, _ current: Value?) -> String {
        let type = metric["type"]?.string ?? ""
        let key = type.prefix(1).lowercased() + type.dropFirst()
        let target = metric[key]?["target"]
        let present = current?[key]?["current"]
        let name = metric[key]?["name"]?.string.map { $0 + ": " } ?? ""
        if let wanted = target?["averageUtilization"]?.integer {
            let now = present?["averageUtilization"]?.integer.map { "\($0)%" } ?? "<unknown>"
            return "\(name)\(now)/\(wanted)%"
        }
        if let wanted = target?["averageValue"]?.string {
            let isPlain = type == "Resource" || type == "ContainerResource" || type == "Pods"
            return "\(name)\(present?["averageValue"]?.string ?? "<unknown>")/\(wanted)"
                + (isPlain ? "" : " (avg)")
        }
        return "\(name)\(present?["value"]?.string ?? "<unknown>")/\(target?["value"]?.string ?? "<auto>")"
    }
}
