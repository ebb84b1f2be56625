import Support

/// How long containers that keep ending wait before they are started again.
///
/// The first restart is immediate; then 10 seconds, doubling up to five minutes, counted from the end of the
/// container. Ten minutes without an end forgive everything (Kubernetes' "CrashLoopBackOff").
struct RestartBackOff: Hashable, Sendable {
    static let first: Duration = .seconds(10)
    static let most: Duration = .seconds(300)
    /// A container that ends this long after its last restart begins anew.
    static let forgiveness: Duration = .seconds(600)

    private struct Entry: Hashable, Sendable {
        var delay: Duration
        var since: Timestamp
    }

    private var entries: [String: Entry] = [:]

    /// A wait that is not over.
    struct Wait: Hashable, Sendable {
        var delay: Duration
        var until: Timestamp
    }

    /// Why the container that ended at `end` is not started at `now`; `nil` when it may be, also when it has
    /// not ended yet by a clock that was put back.
    func wait(_ container: String, endedAt end: Timestamp, now: Timestamp) -> Wait? {
        guard let entry = entries[container], end - entry.since <= Self.forgiveness else { return nil }
        let until = end + entry.delay
        return until > now && !end.isBeyond(now) ? Wait(delay: entry.delay, until: until) : nil
    }

    /// The container that ended at `end` is started again. It never waits longer than `most` (KEP 4603).
    mutating func restarted(_ container: String, endedAt end: Timestamp, most: Duration = Self.most) {
        guard let entry = entries[container], end - entry.since <= Self.forgiveness else {
            entries[container] = Entry(delay: min(Self.first, most), since: end)
            return
        }
        entries[container] = Entry(delay: min(entry.delay + entry.delay, most), since: end)
    }
}
