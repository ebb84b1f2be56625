import Support

/// The flags of `kube-apiserver` about connections, and about what the server fills in and takes away by itself. What was
/// not said is `nil` or empty.
public struct ServingArguments: Hashable, Sendable {
    /// `--tls-min-version`, such as `VersionTLS13`.
    public var minimumTLSVersion: String?
    /// `--tls-cipher-suites`, in Go's names.
    public var cipherSuites: [String]
    /// `--min-request-timeout`.
    public var shortestWatch: Duration?
    /// `--event-ttl`.
    public var eventLifetime: Duration?
    /// `--default-not-ready-toleration-seconds`.
    public var notReadySeconds: Int64?
    /// `--default-unreachable-toleration-seconds`.
    public var unreachableSeconds: Int64?
    /// `--kubelet-preferred-address-types`, the best first.
    public var kubeletAddressTypes: [String]
    /// `--cors-allowed-origins`: regular expressions.
    public var allowedOrigins: [String]
    /// `--service-node-port-range`, which counts before k3s' own.
    var nodePorts: String?
    /// Flags that were given and change nothing here, in order: who gave them should know.
    public var idle: [String]

    init(_ values: OptionValues) throws(Fault) {
        minimumTLSVersion = values.text("tls-min-version")
        cipherSuites = values.list("tls-cipher-suites")
        eventLifetime = try APIServerArguments.duration(values, "event-ttl")
        if let lifetime = eventLifetime, lifetime <= .zero { throw Self.fault("event-ttl must be longer than nothing") }
        notReadySeconds = try Self.seconds(values, "default-not-ready-toleration-seconds")
        unreachableSeconds = try Self.seconds(values, "default-unreachable-toleration-seconds")
        kubeletAddressTypes = values.list("kubelet-preferred-address-types")
        allowedOrigins = values.list("cors-allowed-origins")
        nodePorts = values.text("service-node-port-range")
        // That of kubelets is looked at with those about what the server shows.
        idle = (Self.idleFlags + ["kubelet-timeout"]).filter { !values.list($0).isEmpty }.sorted()
        let shortest = try APIServerArguments.number(values, "min-request-timeout")
        guard shortest != 0 else { throw Self.fault("min-request-timeout must be at least 1") }
        shortestWatch = shortest.map { .seconds($0) }
        if let type = kubeletAddressTypes.first(where: { !Self.addressTypes.contains($0) }) {
            throw Self.fault(
                "kubelet-preferred-address-types must be some of \(Self.addressTypes.joined(separator: ", ")), not \(type)")
        }
        for (flag, value) in Self.settled {
            guard let given = values.text(flag), given != value else { continue }
            throw Fault(.unsupported, "--kube-apiserver-arg: \(flag) is always \(value) in this version")
        }
    }

    private static func seconds(_ values: OptionValues, _ name: String) throws(Fault) -> Int64? {
        guard let text = values.text(name) else { return nil }
        guard let seconds = Int64(text) else { throw fault("\(name) \(text) is no number") }
        return seconds
    }

    private static func fault(_ why: String) -> Fault { Fault(.invalid, "--kube-apiserver-arg: \(why)") }

    private static let addressTypes = ["Hostname", "InternalDNS", "InternalIP", "ExternalDNS", "ExternalIP"]

    /// Flags that may say what is so anyhow, and nothing else.
    private static let settled = [
        ("allow-privileged", "true"), ("contention-profiling", "false"), ("enable-garbage-collector", "true"),
        ("profiling", "false"), ("service-account-lookup", "true"),
    ]

    /// Flags about how Kubernetes' own program logs and what it keeps where. Here there is one cache that is always
    /// whole, services are always reached by their endpoints, and one server has nobody to send its clients to.
    private static let idleFlags = [
        "default-watch-cache-size", "delete-collection-workers", "enable-aggregator-routing", "goaway-chance",
        "log-flush-frequency", "logging-format", "storage-media-type", "v", "vmodule", "watch-cache",
        "watch-cache-sizes",
    ]

    static let options: [Option] =
        [
            Option("tls-min-version"),
            Option("tls-cipher-suites", .list(isSplit: true)),
            Option("min-request-timeout"),
            Option("event-ttl"),
            Option("default-not-ready-toleration-seconds"),
            Option("default-unreachable-toleration-seconds"),
            Option("kubelet-preferred-address-types", .list(isSplit: true)),
            Option("service-node-port-range"),
            Option("cors-allowed-origins", .list(isSplit: true)),
        ] + settled.map { Option($0.0, .flag) } + idleFlags.map { Option($0) }
}
