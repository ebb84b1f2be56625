import Support

/// What `--kube-apiserver-arg` says of what is written down of requests.
public struct AuditArguments: Hashable, Sendable {
    /// `--audit-policy-file`; without one nothing is written down.
    public var policyFile: String?
    /// `--audit-log-path`; `-` is the standard output.
    public var logPath: String?
    /// `--audit-log-maxage`, in days.
    public var days: Int?
    /// `--audit-log-maxbackup`, files.
    public var backups: Int?
    /// `--audit-log-maxsize`, in mebibytes.
    public var size: Int?
    /// `--audit-log-compress`.
    public var compresses: Bool
    /// How the file is written to.
    public var log: AuditBackendArguments
    /// `--audit-webhook-config-file`, a kubeconfig.
    public var webhookFile: String?
    /// `--audit-webhook-initial-backoff`.
    public var webhookFirstPause: Duration?
    /// How the webhook is sent to.
    public var webhook: AuditBackendArguments

    init(_ values: OptionValues) throws(Fault) {
        policyFile = values.text("audit-policy-file")
        logPath = values.text("audit-log-path")
        days = try APIServerArguments.number(values, "audit-log-maxage")
        backups = try APIServerArguments.number(values, "audit-log-maxbackup")
        size = try APIServerArguments.number(values, "audit-log-maxsize")
        compresses = values.flag("audit-log-compress")
        log = try AuditBackendArguments(values, "audit-log-")
        webhookFile = values.text("audit-webhook-config-file")
        webhookFirstPause = try APIServerArguments.duration(values, "audit-webhook-initial-backoff")
        webhook = try AuditBackendArguments(values, "audit-webhook-")
        try AuditBackendArguments.check(values, "audit-log-format", ["json"])
    }

    static let options: [Option] =
        [
            Option("audit-policy-file"), Option("audit-log-path"), Option("audit-log-format"),
            Option("audit-log-maxage"), Option("audit-log-maxbackup"), Option("audit-log-maxsize"),
            Option("audit-log-compress", .flag), Option("audit-webhook-config-file"),
            Option("audit-webhook-initial-backoff"),
        ] + AuditBackendArguments.options("audit-log-") + AuditBackendArguments.options("audit-webhook-")
}
