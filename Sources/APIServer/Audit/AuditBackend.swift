public import Support

/// Where audit events end up: lines of JSON.
public protocol AuditSink: Sendable {
    /// Writes whole lines. Suspends while the other side is slow; one call at a time.
    func write(_ lines: [UInt8]) async throws(Fault)
}

/// What happens when events come faster than they can be written (`--audit-log-mode`, `--audit-webhook-mode`).
public enum AuditMode: String, Sendable, CaseIterable {
    /// They are dropped and counted.
    case batch
    /// Requests wait for room.
    case blocking
    /// Requests wait until their first event is written, and are refused when it cannot be.
    case blockingStrict = "blocking-strict"
}

/// One way that audit events go. Flags are named by what follows `--audit-log-` and `--audit-webhook-`.
public struct AuditBackend: Sendable {
    /// What one write takes.
    public struct Batch: Hashable, Sendable {
        /// Events at most (`batch-max-size`); `nil` without a bound.
        public var events: Int?
        /// Bytes at most, save that one event is written whatever its size (`truncate-max-batch-size`).
        public var bytes = 1 << 20
        /// How long the first event waits for others (`batch-max-wait`), in the mode ``AuditMode/batch``.
        public var wait: Duration?
        /// Writes each second, and at once after a rest (`batch-throttle-qps`, `batch-throttle-burst`).
        public var perSecond: Double?
        public var burst = 15.0

        public init() {}
    }

    /// As figures name it.
    public let name: String
    public let sink: any AuditSink
    public var mode: AuditMode
    /// Events that may wait (`batch-buffer-size`).
    public var bufferedEvents = 10_000
    /// Bytes of one event beyond which its objects are left out (`truncate-max-event-size`); `nil` when they are always
    /// written.
    public var longestEvent: Int?
    public var batch = Batch()

    /// Writes to a log: as soon as there is something to write.
    public static func log(_ sink: any AuditSink) -> AuditBackend {
        AuditBackend(name: "log", sink: sink, mode: .blocking)
    }

    /// Sends to a server: in batches, so many events or what half a minute brings.
    public static func webhook(_ sink: any AuditSink) -> AuditBackend {
        var backend = AuditBackend(name: "webhook", sink: sink, mode: .batch)
        backend.batch.events = 400
        backend.batch.bytes = 10 << 20
        backend.batch.wait = .seconds(30)
        backend.batch.perSecond = 10
        return backend
    }

    private init(name: String, sink: any AuditSink, mode: AuditMode) {
        (self.name, self.sink, self.mode) = (name, sink, mode)
    }
}
