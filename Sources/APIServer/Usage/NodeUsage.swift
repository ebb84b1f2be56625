import APIMachinery
import Support

/// What a node and the containers on it use: processors between two samples, memory at the second. Pure.
struct NodeUsage: Hashable, Sendable {
    /// `metrics.k8s.io/v1beta1`, `usage`.
    struct Amounts: Hashable, Sendable {
        /// Billionths of a core.
        var processor: UInt64
        /// Bytes.
        var memory: Int64

        /// The quantities as metrics-server writes them.
        var value: Value { ["cpu": .string("\(processor)n"), "memory": .string("\(memory / 1024)Ki")] }
    }

    /// When the second sample was taken.
    var time: Timestamp
    /// The time between the two.
    var window: Duration
    var node: Amounts?
    /// By the pod's uid, containers by name.
    var pods: [String: [String: Amounts]] = [:]

    /// - Parameter time: That of `now`.
    init(from before: UsageSample, to now: UsageSample, time: Timestamp) {
        self.time = time
        window = now.taken - before.taken
        node = now.node.flatMap { amounts($0, since: before.node) }
        for (uid, containers) in now.pods {
            var pod: [String: Amounts] = [:]
            for (name, count) in containers {
                pod[name] = amounts(count, since: before.pods[uid]?[name])
            }
            if pod.count == containers.count { pods[uid] = pod }
        }
    }

    /// One that was not there before, or was started anew and counts from zero again, is measured since its start.
    private func amounts(_ now: UsageSample.Count, since before: UsageSample.Count?) -> Amounts? {
        if let before, before.processor <= now.processor, before.since == now.since {
            return Amounts(
                processor: Self.rate(now.processor - before.processor, over: window), memory: now.memory)
        }
        guard let start = now.since, start < time else { return nil }
        return Amounts(processor: Self.rate(now.processor, over: time - start), memory: now.memory)
    }

    private static func rate(_ nanoseconds: UInt64, over time: Duration) -> UInt64 {
        let seconds = Double(time.components.seconds) + Double(time.components.attoseconds) / 1e18
        return seconds > 0 ? UInt64(clamping: Int64(Double(nanoseconds) / seconds)) : 0
    }
}
