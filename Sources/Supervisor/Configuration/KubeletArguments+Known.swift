import Support

extension NodeConfiguration.KubeletArguments {
    /// Flags of Kubernetes' kubelet for what is done otherwise here: nothing polls, calls to the API need no limit, logging is
    /// k3s', and so are certificates.
    static let idleNames: Set = [
        "contention-profiling", "event-burst", "event-qps", "event-storage-age-limit", "event-storage-event-limit",
        "file-check-frequency", "hairpin-mode", "housekeeping-interval", "http-check-frequency", "iptables-drop-bit",
        "iptables-masquerade-bit", "kube-api-burst", "kube-api-content-type", "kube-api-qps", "kubelet-cgroups",
        "log-cadvisor-usage", "log-flush-frequency", "logging-format", "make-iptables-util-chains", "max-open-files",
        "maximum-dead-containers", "maximum-dead-containers-per-container", "minimum-container-ttl-duration",
        "node-status-max-images", "node-status-update-frequency", "oom-score-adj", "rotate-certificates",
        "runtime-cgroups", "runtime-request-timeout", "streaming-connection-idle-timeout", "sync-frequency",
        "tls-cipher-suites", "tls-min-version", "v", "vmodule", "volume-stats-agg-period",
    ]

    /// Flags that may say only what is so anyhow. One without a value says `true`.
    static let settled = [
        "anonymous-auth": "false", "authentication-token-webhook": "true", "authorization-mode": "Webhook",
        "cloud-provider": "external", "cpu-cfs-quota": "true",
        "enable-controller-attach-detach": "true", "enable-server": "true", "fail-swap-on": "false",
        "local-storage-capacity-isolation": "true", "read-only-port": "0", "register-node": "true",
        "register-schedulable": "true",
    ]

    func settle(_ name: String, _ value: String) throws(Fault) {
        let value = value.isEmpty ? "true" : value
        guard let only = Self.settled[name], value != only else { return }
        throw Fault(.unsupported, "--kubelet-arg \(name) is always \(only) in this version")
    }
}
