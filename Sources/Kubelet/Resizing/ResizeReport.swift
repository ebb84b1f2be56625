import API
import APIMachinery

/// What the API and people are told of the resources of a pod and its containers.
struct ResizeReport: Sendable {
    let facts: PodFacts

    /// What a container has: as it was granted, and where the kernel was not told so yet, what that says.
    func resources(of member: PodContainers.Member, _ container: RuntimePod.Container) -> ResourceRequirements {
        let granted = member.container.resources
        guard facts.memory.resize.isResized, container.state == .running, let actual = facts.actual(container)
        else { return granted }
        return Self.corrected(granted, wanted: facts.wanted(member), actual: actual)
    }

    /// What the pod as a whole was granted: its own requests, or those of its containers together, and what its runtime class
    /// costs (KEP 5419).
    var allocated: [String: String] { PodResources.requests(of: facts.pod.value).mapValues(\.canonical) }

    /// What the pod as a whole has; `nil` when it asks for nothing.
    var ofPod: ResourceRequirements? {
        let wanted = CgroupValues(ofPod: facts.spec)
        let others = facts.spec.resources
        var shown = ResourceRequirements()
        shown.requests = allocated.filter { name, _ in
            name == "cpu" || name == "memory" || others?.requests[name] != nil
        }
        shown.limits = PodResources.limits(of: facts.pod.value).mapValues(\.canonical).filter { name, _ in
            switch name {
            // Where one container has no limit the pod has none.
            case "cpu": wanted.cpuQuota != nil
            case "memory": wanted.memoryLimit != nil
            default: others?.limits[name] != nil
            }
        }
        guard !shown.value.isEmptyObject else { return nil }
        guard facts.memory.resize.isResized, !facts.runtime.running.isEmpty, let actual = facts.memory.resize.group
        else { return shown }
        return Self.corrected(shown, wanted: wanted, actual: actual)
    }

    /// What is not as it shall be, as it is.
    private static func corrected(
        _ granted: ResourceRequirements, wanted: CgroupValues, actual: CgroupValues
    ) -> ResourceRequirements {
        var shown = granted
        if actual.cpuShares != wanted.cpuShares, shown.requests["cpu"] != nil {
            // Rounded up, so that the text gives the shares again.
            shown.requests["cpu"] = cores(milli: (actual.cpuShares * 1000 + 1023) / 1024)
        }
        if actual.cpuQuota != wanted.cpuQuota, shown.limits["cpu"] != nil {
            shown.limits["cpu"] = actual.cpuQuota.map {
                cores(milli: Int64(clamping: Int128($0) * 1000 / Int128(max(actual.cpuPeriod, 1))))
            }
        }
        if actual.memoryLimit != wanted.memoryLimit, shown.limits["memory"] != nil {
            shown.limits["memory"] = actual.memoryLimit.map { "\($0)" }
        }
        return shown
    }

    private static func cores(milli: Int64) -> String { milli % 1000 == 0 ? "\(milli / 1000)" : "\(milli)m" }

    /// What the events say about it, as Kubernetes does: the resources, the generation, what is wrong.
    static func message(_ what: String, _ spec: PodSpec, generation: Int, error: String = "") -> String {
        func summary(_ containers: [Container]) -> Value {
            .array(containers.map { ["name": .string($0.name), "resources": $0.resources.value] })
        }
        var details = Value.emptyObject
        let sidecars = spec.initContainers.filter { $0.restartPolicy == "Always" }
        if !sidecars.isEmpty { details["initContainers"] = summary(sidecars) }
        details["containers"] = summary(spec.containers)
        details["generation"] = .integer(Int64(generation))
        if !error.isEmpty { details["error"] = .string(error) }
        return "Pod resize \(what): \(details)"
    }
}
