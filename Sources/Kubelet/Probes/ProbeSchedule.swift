import API

/// When a probe runs, and how many equal results in a row count.
struct ProbeSchedule: Hashable, Sendable {
    var initialDelay: Duration
    var period: Duration
    var timeout: Duration
    var successThreshold: Int
    var failureThreshold: Int

    /// What the API server's defaults would have filled in is filled in here too, for static pods.
    init(_ probe: Probe) {
        initialDelay = .seconds(max(probe.initialDelaySeconds, 0))
        period = .seconds(probe.periodSeconds > 0 ? probe.periodSeconds : 10)
        timeout = .seconds(probe.timeoutSeconds > 0 ? probe.timeoutSeconds : 1)
        successThreshold = probe.successThreshold > 0 ? probe.successThreshold : 1
        failureThreshold = probe.failureThreshold > 0 ? probe.failureThreshold : 3
    }
}
