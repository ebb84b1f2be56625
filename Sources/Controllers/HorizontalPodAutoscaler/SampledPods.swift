import API
import APIMachinery
import Support

/// The pods that a metric is about, by what their samples are good for (Kubernetes documentation, "Horizontal Pod
/// Autoscaling", "Algorithm details").
struct SampledPods: Sendable {
    /// Samples that count.
    private(set) var samples: [String: Int64] = [:]
    private(set) var readyCount = 0
    /// Their samples say nothing.
    private(set) var unready: Set<String> = []
    /// They have none.
    private(set) var missing: Set<String> = []

    /// - Parameter isCPU: Starting costs CPU, so samples of it are doubted.
    init(_ pods: [Pod], _ all: [String: PodSample], isCPU: Bool, at now: Timestamp, _ options: AutoscalerOptions) {
        samples = all.mapValues(\.milliValue)
        for pod in pods {
            let name = pod.metadata.name
            if pod.metadata.deletionTimestamp != nil || pod.status.phase == "Failed" {
                samples[name] = nil
            } else if pod.status.phase == "Pending" {
                unready.insert(name)
                samples[name] = nil
            } else if let sample = all[name] {
                if isCPU, !Self.isMeaningful(sample, of: pod, at: now, options) {
                    unready.insert(name)
                    samples[name] = nil
                } else {
                    readyCount += 1
                }
            } else {
                missing.insert(name)
            }
        }
    }

    private static func isMeaningful(
        _ sample: PodSample, of pod: Pod, at now: Timestamp, _ options: AutoscalerOptions
    ) -> Bool {
        guard let ready = pod.readyCondition, let start = pod.status.startTime else { return false }
        let since = ready.lastTransitionTime ?? start
        if start + options.initialisation > now {
            return ready.status != "False" && sample.timestamp >= since + sample.window
        }
        let neverReady = ready.status == "False" && start + options.initialReadiness > since
        return !neverReady
    }
}
