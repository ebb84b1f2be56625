import API
import APIMachinery

/// What the API and people are told of the resources of containers.
struct ResizeReport: Sendable {
    let facts: PodFacts

    /// What a container has: as it was granted, and where the kernel was not told so yet, what that says.
    func resources(of member: PodContainers.Member, _ container: RuntimePod.Container) -> ResourceRequirements {
        var shown = member.container.resources
        guard facts.memory.resize.isResized, container.state == .running, let actual = facts.actual(container)
        else { return shown }
        let wanted = CgroupValues(shown)
        if actual.cpuShares != wanted.cpuShares, shown.requests["cpu"] != nil {
            // Rounded up, so that the text gives the shares again.
            shown.requests["cpu"] = Self.cores(milli: (actual.cpuShares * 1000 + 1023) / 1024)
        }
        if actual.cpuQuota != wanted.cpuQuota, shown.limits["cpu"] != nil {
            shown.limits["cpu"] = actual.cpuQuota.map {
                Self.cores(milli: Int64(clamping: Int128($0) * 1000 / Int128(max(actual.cpuPeriod, 1))))
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
