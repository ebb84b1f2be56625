import Support

/// What the flags say of one way that audit events go: those whose names begin with `audit-log-`, or with
/// `audit-webhook-`. What was not said is `nil`.
public struct AuditBackendArguments: Hashable, Sendable {
    /// `mode`: `batch`, `blocking` or `blocking-strict`.
    public var mode: String?
    /// `batch-buffer-size`, events.
    public var bufferedEvents: Int?
    /// `batch-max-size`, events.
    public var batchEvents: Int?
    /// `batch-max-wait`.
    public var batchWait: Duration?
    /// `batch-throttle-enable`.
    public var isThrottled: Bool?
    /// `batch-throttle-qps`, batches each second.
    public var perSecond: Double?
    /// `batch-throttle-burst`, batches.
    public var burst: Int?
    /// `truncate-max-event-size` in bytes, if `truncate-enabled`.
    public var longestEvent: Int?
    /// `truncate-max-batch-size` in bytes, if `truncate-enabled`.
    public var longestBatch: Int?

    /// Kubernetes' defaults of the last two, for who only says that they hold.
    private static let usualLongest = (event: 102_400, batch: 10 << 20)

    init(_ values: OptionValues, _ prefix: String) throws(Fault) {
        func number(_ name: String) throws(Fault) -> Int? { try APIServerArguments.number(values, prefix + name) }
        try Self.check(values, prefix + "mode", ["batch", "blocking", "blocking-strict"])
        try Self.check(values, prefix + "version", ["audit.k8s.io/v1"])
        mode = values.text(prefix + "mode")
        bufferedEvents = try number("batch-buffer-size")
        batchEvents = try number("batch-max-size")
        batchWait = try APIServerArguments.duration(values, prefix + "batch-max-wait")
        isThrottled = values.text(prefix + "batch-throttle-enable").map { $0 == "true" }
        burst = try number("batch-throttle-burst")
        if let text = values.text(prefix + "batch-throttle-qps") {
            guard let rate = Double(text), rate > 0, rate.isFinite else {
                throw Fault(.invalid, "--kube-apiserver-arg: \(prefix)batch-throttle-qps \(text) is no number above 0")
            }
            perSecond = rate
        }
        let longest = (event: try number("truncate-max-event-size"), batch: try number("truncate-max-batch-size"))
        guard values.flag(prefix + "truncate-enabled") else { return }
        longestEvent = longest.event ?? Self.usualLongest.event
        longestBatch = longest.batch ?? Self.usualLongest.batch
    }

    static func options(_ prefix: String) -> [Option] {
        [
            Option(prefix + "mode"), Option(prefix + "version"), Option(prefix + "batch-buffer-size"),
            Option(prefix + "batch-max-size"), Option(prefix + "batch-max-wait"),
            Option(prefix + "batch-throttle-enable", .flag), Option(prefix + "batch-throttle-qps"),
            Option(prefix + "batch-throttle-burst"), Option(prefix + "truncate-enabled", .flag),
            Option(prefix + "truncate-max-event-size"), Option(prefix + "truncate-max-batch-size"),
        ]
    }

    static func check(_ values: OptionValues, _ name: String, _ known: [String]) throws(Fault) {
        guard let text = values.text(name), !known.contains(text) else { return }
        throw Fault(
            .invalid, "--kube-apiserver-arg: \(name) must be \(known.joined(separator: " or ")), not \"\(text)\"")
    }
}
