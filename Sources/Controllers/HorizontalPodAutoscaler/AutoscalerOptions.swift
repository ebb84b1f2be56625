/// How autoscalers are looked at, where they themselves do not say so: flags of Kubernetes' controller manager
/// (`--horizontal-pod-autoscaler-*`), and its defaults.
public struct AutoscalerOptions: Hashable, Sendable {
    /// How often each is looked at (`sync-period`).
    public var period: Duration = .seconds(15)
    /// Of the recommendations of so long a time the highest counts (`downscale-stabilization`).
    public var downscaleStabilization: Duration = .seconds(300)
    /// How far from its target a metric may be, as a part of the target (`tolerance`).
    public var tolerance = 0.1
    /// For so long after its start a pod's CPU is that of its start (`cpu-initialization-period`).
    public var initialisation: Duration = .seconds(300)
    /// A pod that first became ready this late was not ready before for reasons of its own (`initial-readiness-delay`).
    public var initialReadiness: Duration = .seconds(30)

    public init() {}
}
