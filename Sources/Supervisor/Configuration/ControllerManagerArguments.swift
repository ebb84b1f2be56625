import APIMachinery
import Support

/// What `--kube-controller-manager-arg` says, as flags of `kube-controller-manager`: `NAME=VALUE` each. What was not said is
/// `nil` or empty.
public struct ControllerManagerArguments: Hashable, Sendable {
    // MARK: Nodes

    /// `--node-monitor-grace-period` and `--node-startup-grace-period`.
    public var nodeGrace: Duration?
    public var nodeStartupGrace: Duration?
    /// `--node-eviction-rate` and `--secondary-node-eviction-rate`, nodes in a second.
    public var evictionRate: Double?
    public var secondaryEvictionRate: Double?
    /// `--unhealthy-zone-threshold`, a part of 1.
    public var unhealthyShare: Double?
    /// `--large-cluster-size-threshold`.
    public var largeCount: Int?
    /// `--allocate-node-cidrs`.
    public var allocatesAddresses: Bool
    /// `--node-cidr-mask-size` or `--node-cidr-mask-size-ipv4`.
    public var nodeMaskSize: Int?

    // MARK: Pods

    /// `--terminated-pod-gc-threshold`; 0 for any number.
    public var finishedPods: Int?
    /// `--horizontal-pod-autoscaler-*`.
    public var autoscalerPeriod: Duration?
    public var downscaleStabilization: Duration?
    public var autoscalerTolerance: Double?
    public var autoscalerInitialisation: Duration?
    public var autoscalerReadiness: Duration?

    // MARK: The rest

    /// `--cluster-signing-duration`.
    public var signingLifetime: Duration?
    /// `--legacy-service-account-token-clean-up-period`.
    public var unusedTokenLifetime: Duration?
    /// `--controllers`.
    public var controllers: ControllerChoice
    /// `--enable-garbage-collector`.
    public var collectsGarbage: Bool
    /// Flags that were given and change nothing here, in order: who gave them should know.
    public var idle: [String]

    /// Fails with one sentence that names the argument at fault. One that this version does not know is a fault: it would
    /// otherwise be believed to hold.
    init(_ arguments: [String]) throws(Fault) {
        let values: OptionValues
        // k3s' `name+=value` adds to what k3s says itself, which is a list only here.
        let added = arguments.compactMap { argument -> String? in
            let bare = argument.drop { $0 == "-" }
            return bare.hasPrefix("controllers+=") ? String(bare.dropFirst(13)) : nil
        }
        let dashed = arguments.filter { !$0.drop { $0 == "-" }.hasPrefix("controllers+=") }
            .map { $0.hasPrefix("-") ? $0 : "--" + $0 }
        do throws(Fault) { values = try OptionValues(dashed, options: Self.options) } catch {
            throw Fault(error.code, "--kube-controller-manager-arg: \(error.summary)")
        }
        let read = ComponentValues("--kube-controller-manager-arg", values)
        try read.settle(Self.settled)
        nodeGrace = try read.duration("node-monitor-grace-period", isPositive: true)
        nodeStartupGrace = try read.duration("node-startup-grace-period", isPositive: true)
        evictionRate = try read.fraction("node-eviction-rate", 0...1e6)
        secondaryEvictionRate = try read.fraction("secondary-node-eviction-rate", 0...1e6)
        unhealthyShare = try read.fraction("unhealthy-zone-threshold", 0...1)
        largeCount = try read.number("large-cluster-size-threshold", 0...Int(Int32.max))
        allocatesAddresses = read.flag("allocate-node-cidrs") ?? true
        let maskSize = try read.number("node-cidr-mask-size", 1...32)
        nodeMaskSize = try read.number("node-cidr-mask-size-ipv4", 1...32) ?? maskSize
        finishedPods = try read.number("terminated-pod-gc-threshold", Int(Int32.min)...Int(Int32.max)).map { max($0, 0) }
        let autoscaler = "horizontal-pod-autoscaler-"
        autoscalerPeriod = try read.duration(autoscaler + "sync-period", isPositive: true)
        downscaleStabilization = try read.duration(autoscaler + "downscale-stabilization")
        autoscalerTolerance = try read.fraction(autoscaler + "tolerance", 0...1e6)
        autoscalerInitialisation = try read.duration(autoscaler + "cpu-initialization-period")
        autoscalerReadiness = try read.duration(autoscaler + "initial-readiness-delay")
        signingLifetime = try read.duration("cluster-signing-duration", isPositive: true)
        unusedTokenLifetime = try read.duration("legacy-service-account-token-clean-up-period")
        controllers = try ControllerChoice(
            values.list("controllers"),
            adding: added.flatMap { $0.split(separator: ",").map(String.init) })
        collectsGarbage = read.flag("enable-garbage-collector") ?? true
        idle = Self.idleFlags.filter { !values.list($0).isEmpty }
    }

    /// Flags that may say what is so anyhow, and nothing else.
    private static let settled = [
        ("configure-cloud-routes", "false"), ("contention-profiling", "false"), ("profiling", "false"),
        ("use-service-account-credentials", "true"),
    ]

    /// Flags about how Kubernetes' own program shares its work, asks again, logs and listens. Here one server does everything
    /// once, is told of what changes, and tells of its controllers where it serves the API.
    private static let idleFlags =
        [
            "attach-detach-reconcile-sync-period", "bind-address", "cluster-name", "controller-start-interval",
            "disable-attach-detach-reconcile-sync", "endpoint-updates-batch-period",
            "endpointslice-updates-batch-period", "enable-dynamic-provisioning", "enable-hostpath-provisioner",
            "feature-gates", "kube-api-burst", "kube-api-content-type", "kube-api-qps",
            "log-flush-frequency", "logging-format", "max-endpoints-per-slice", "min-resync-period",
            "mirroring-concurrent-service-endpoint-syncs", "mirroring-endpointslice-updates-batch-period",
            "mirroring-max-endpoints-per-subset", "namespace-sync-period", "node-monitor-period",
            "node-sync-period", "permit-address-sharing", "permit-port-sharing",
            "pv-recycler-increment-timeout-nfs", "pv-recycler-minimum-timeout-hostpath",
            "pv-recycler-minimum-timeout-nfs", "pv-recycler-pod-template-filepath-hostpath",
            "pv-recycler-pod-template-filepath-nfs", "pv-recycler-timeout-increment-hostpath",
            "pvclaimbinder-sync-period", "resource-quota-sync-period", "route-reconciliation-period", "secure-port",
            "tls-cipher-suites", "tls-min-version", "v", "vmodule",
        ] + leaderElection
        + [
            "cron-job", "daemonset", "deployment", "device-taint-eviction", "endpoint", "ephemeralvolume", "gc",
            "horizontal-pod-autoscaler", "job", "namespace", "rc", "replicaset", "resource-quota", "resourceclaim",
            "service-endpoint", "service", "serviceaccount-token", "statefulset", "ttl-after-finished",
            "validating-admission-policy-status",
        ].map { "concurrent-\($0)-syncs" }

    /// With one server there is nobody to elect.
    static let leaderElection =
        ["leader-elect"]
        + [
            "lease-duration", "renew-deadline", "resource-lock", "resource-name", "resource-namespace",
            "retry-period",
        ].map { "leader-elect-" + $0 }

    private static let options: [Option] =
        [
            "node-monitor-grace-period", "node-startup-grace-period", "node-eviction-rate",
            "secondary-node-eviction-rate", "unhealthy-zone-threshold", "large-cluster-size-threshold",
            "node-cidr-mask-size", "node-cidr-mask-size-ipv4", "terminated-pod-gc-threshold",
            "horizontal-pod-autoscaler-sync-period", "horizontal-pod-autoscaler-downscale-stabilization",
            "horizontal-pod-autoscaler-tolerance", "horizontal-pod-autoscaler-cpu-initialization-period",
            "horizontal-pod-autoscaler-initial-readiness-delay", "cluster-signing-duration",
            "legacy-service-account-token-clean-up-period",
        ].map { Option($0) }
        + [
            Option("controllers", .list(isSplit: true)), Option("allocate-node-cidrs", .flag),
            Option("enable-garbage-collector", .flag),
        ] + settled.map { Option($0.0, .flag) } + idleFlags.map { Option($0) }
}
