import Support

/// What `--kube-apiserver-arg` says of the audit log.
public struct AuditArguments: Hashable, Sendable {
    /// `--audit-policy-file`; without one nothing is written down.
    public var policyFile: String?
    /// `--audit-log-path`; `-` is the standard output.
    public var logPath: String?
    /// `--audit-log-mode`: `batch`, `blocking` or `blocking-strict`.
    public var mode: String?
    /// `--audit-log-maxage`, in days.
    public var days: Int?
    /// `--audit-log-maxbackup`, files.
    public var backups: Int?
    /// `--audit-log-maxsize`, in mebibytes.
    public var size: Int?
    /// `--audit-log-compress`.
    public var compresses: Bool
    /// `--audit-log-batch-buffer-size`, events.
    public var bufferedEvents: Int?
    /// `--audit-log-truncate-max-event-size` in bytes, if `--audit-log-truncate-enabled`.
    public var longestEvent: Int?

    /// Kubernetes' default of the last, for who only says that it holds.
    private static let usualLongestEvent = 102_400

    init(_ values: OptionValues) throws(Fault) {
        policyFile = values.text("audit-policy-file")
        logPath = values.text("audit-log-path")
        mode = values.text("audit-log-mode")
        days = try Self.number(values, "audit-log-maxage")
        backups = try Self.number(values, "audit-log-maxbackup")
        size = try Self.number(values, "audit-log-maxsize")
        compresses = values.flag("audit-log-compress")
        bufferedEvents = try Self.number(values, "audit-log-batch-buffer-size")
        let longest = try Self.number(values, "audit-log-truncate-max-event-size")
        longestEvent = values.flag("audit-log-truncate-enabled") ? longest ?? Self.usualLongestEvent : nil
        try Self.check(values, "audit-log-mode", ["batch", "blocking", "blocking-strict"])
        try Self.check(values, "audit-log-format", ["json"])
        try Self.check(values, "audit-log-version", ["audit.k8s.io/v1"])
    }

    static let options: [Option] = [
        Option("audit-policy-file"), Option("audit-log-path"), Option("audit-log-mode"), Option("audit-log-format"),
        Option("audit-log-version"), Option("audit-log-maxage"), Option("audit-log-maxbackup"),
        Option("audit-log-maxsize"), Option("audit-log-compress", .flag), Option("audit-log-batch-buffer-size"),
        Option("audit-log-truncate-enabled", .flag), Option("audit-log-truncate-max-event-size"),
    ]

    private static func number(_ values: OptionValues, _ name: String) throws(Fault) -> Int? {
        try APIServerArguments.number(values, name)
    }

    private static func check(_ values: OptionValues, _ name: String, _ known: [String]) throws(Fault) {
        guard let text = values.text(name), !known.contains(text) else { return }
        throw Fault(
            .invalid, "--kube-apiserver-arg: \(name) must be \(known.joined(separator: " or ")), not \"\(text)\"")
    }
}
