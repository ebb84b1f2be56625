import APIMachinery
import Support

/// What a node and the containers on it had used up when its kubelet was asked. Pure.
struct UsageSample: Sendable {
    /// Of a container, or of all.
    struct Count: Hashable, Sendable {
        /// Time of processors since it began, in nanoseconds.
        var processor: UInt64
        /// The working set, in bytes.
        var memory: Int64
        /// When it began, if that is known.
        var since: Timestamp?
    }

    var taken: ContinuousClock.Instant
    var node: Count?
    /// By the pod's uid and the container's name. A pod is left out while one of its containers has no figures.
    var pods: [String: [String: Count]] = [:]

    /// Reads the answer to `/stats/summary` (`kubelet/pkg/apis/stats/v1alpha1.Summary`).
    init(summary: Value, taken: ContinuousClock.Instant) {
        self.taken = taken
        node = summary["node"].flatMap { Count($0) }
        for pod in summary["pods"]?.array ?? [] {
            guard let uid = pod.at("podRef", "uid")?.string, let containers = pod["containers"]?.array else { continue }
            var counts: [String: Count] = [:]
            for container in containers {
                counts[container["name"]?.string ?? ""] = Count(container)
            }
            if !counts.isEmpty, counts.count == containers.count { pods[uid] = counts }
        }
    }
}

extension UsageSample.Count {
    fileprivate init?(_ stats: Value) {
        guard let processor = stats.at("cpu", "usageCoreNanoSeconds")?.integer, processor > 0,
            let memory = stats.at("memory", "workingSetBytes")?.integer
        else { return nil }
        self.processor = UInt64(processor)
        self.memory = memory
        since = stats["startTime"]?.string.flatMap { Timestamp($0) }
    }
}
