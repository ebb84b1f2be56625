public import Support

/// What `--kube-proxy-arg` says, as flags of `kube-proxy`: `NAME=VALUE` each. What was not said is `nil` or empty.
public struct KubeProxyArguments: Hashable, Sendable {
    /// `--nodeport-addresses`: where node ports answer; empty for every address of the node.
    public var nodePortRanges: [IPPrefix]
    /// The same, when it says `primary`: where the node's own addresses are.
    public var isNodePortPrimary: Bool
    /// `--cluster-cidr`: who is a pod.
    public var podRanges: [IPPrefix]
    /// Flags that were given and change nothing here, in order: who gave them should know.
    public var idle: [String]

    /// Fails with one sentence that names the argument at fault. One that this version does not know is a fault: it would
    /// otherwise be believed to hold.
    init(_ arguments: [String]) throws(Fault) {
        let source = "--kube-proxy-arg"
        let values: OptionValues
        do throws(Fault) {
            values = try OptionValues(arguments.map { $0.hasPrefix("-") ? $0 : "--" + $0 }, options: Self.options)
        } catch {
            throw Fault(error.code, "\(source): \(error.summary)")
        }
        try ComponentValues(source, values).settle([("masquerade-all", "false"), ("profiling", "false")])
        let addresses = values.list("nodeport-addresses")
        isNodePortPrimary = addresses == ["primary"]
        nodePortRanges = try isNodePortPrimary ? [] : Self.ranges(addresses, "nodeport-addresses")
        podRanges = try Self.ranges(values.list("cluster-cidr"), "cluster-cidr")
        if let mode = values.text("proxy-mode"), !["", "iptables", "ipvs", "nftables"].contains(mode) {
            throw Fault(.invalid, "\(source): proxy-mode must be iptables, ipvs or nftables, and not \(mode)")
        }
        idle = Self.idleFlags.filter { !values.list($0).isEmpty }
    }

    private static func ranges(_ texts: [String], _ name: String) throws(Fault) -> [IPPrefix] {
        var ranges: [IPPrefix] = []
        for text in texts {
            guard let range = IPPrefix(text) else {
                throw Fault(.invalid, "--kube-proxy-arg: \(name) \(text) is no CIDR, such as 10.0.0.0/8")
            }
            ranges.append(range.network)
        }
        return ranges
    }

    /// Flags about the ways that kube-proxy has, how often it looks, how it logs and where it listens. Here there is one way,
    /// by nftables, which is told of what changes; its figures are where the server's are.
    private static let idleFlags = [
        "bind-address", "bind-address-hard-fail", "config-sync-period", "conntrack-max-per-core", "conntrack-min",
        "conntrack-tcp-be-liberal", "conntrack-tcp-timeout-close-wait", "conntrack-tcp-timeout-established",
        "conntrack-udp-timeout", "conntrack-udp-timeout-stream", "detect-local-mode", "feature-gates",
        "healthz-bind-address", "healthz-port", "iptables-localhost-nodeports", "iptables-masquerade-bit",
        "iptables-min-sync-period", "iptables-sync-period", "ipvs-exclude-cidrs", "ipvs-min-sync-period",
        "ipvs-scheduler", "ipvs-strict-arp", "ipvs-sync-period", "ipvs-tcp-timeout", "ipvs-tcpfin-timeout",
        "ipvs-udp-timeout", "kube-api-burst", "kube-api-content-type", "kube-api-qps", "log-flush-frequency",
        "logging-format", "metrics-bind-address", "metrics-port", "nftables-masquerade-bit",
        "nftables-min-sync-period", "nftables-sync-period", "oom-score-adj", "proxy-mode", "v", "vmodule",
    ]

    private static let options: [Option] =
        [
            Option("nodeport-addresses", .list(isSplit: true)), Option("cluster-cidr", .list(isSplit: true)),
            Option("masquerade-all", .flag), Option("profiling", .flag),
        ] + idleFlags.map { Option($0) }
}

/// What `--kube-cloud-controller-manager-arg` says. What k3s' cloud controller does is done where it is needed, so that all
/// that is known changes nothing.
struct CloudControllerArguments {
    /// Flags that were given, in order.
    let idle: [String]

    init(_ arguments: [String]) throws(Fault) {
        let source = "--kube-cloud-controller-manager-arg"
        do throws(Fault) {
            let values = try OptionValues(
                arguments.map { $0.hasPrefix("-") ? $0 : "--" + $0 },
                options: Self.flags.map { Option($0) } + [Option("profiling", .flag)])
            try ComponentValues(source, values).settle([("profiling", "false")])
            idle = Self.flags.filter { !values.list($0).isEmpty }
        } catch {
            throw Fault(
                error.code, error.summary.hasPrefix(source) ? error.summary : "\(source): \(error.summary)")
        }
    }

    private static let flags =
        [
            "bind-address", "concurrent-node-syncs", "concurrent-service-syncs", "controller-start-interval",
            "feature-gates", "kube-api-burst", "kube-api-content-type", "kube-api-qps", "log-flush-frequency",
            "logging-format", "min-resync-period", "node-monitor-period", "node-status-update-frequency",
            "node-sync-period", "route-reconciliation-period", "secure-port", "tls-cipher-suites", "tls-min-version",
            "v", "vmodule",
        ] + ControllerManagerArguments.leaderElection
}
