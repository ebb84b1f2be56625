import Support

/// When what failed may be tried again: at once the first time, then after ever longer pauses.
///
/// Forgotten with its controller: after a restart the pauses are short again. Pure; it is fed the time.
struct RetrySchedule<Key: Hashable & Sendable>: Sendable {
    private struct Pause {
        var length: Duration
        var since: Timestamp
    }

    private let first: Duration
    private let longest: Duration
    private var pauses: [Key: Pause] = [:]

    init(first: Duration, longest: Duration) {
        precondition(first <= longest, "pauses grow")
        (self.first, self.longest) = (first, longest)
    }

    /// Until when to wait; `nil` when there is nothing to wait for.
    func pause(_ key: Key, at now: Timestamp) -> Timestamp? {
        guard let pause = pauses[key] else { return nil }
        let end = pause.since + pause.length
        return end > now ? end : nil
    }

    /// It is tried once more. If it fails again soon, the pause before the next time is twice as long.
    mutating func tried(_ key: Key, at now: Timestamp) {
        // What held for a long time and fails now is a new failure.
        pauses = pauses.filter { now - $0.value.since <= longest * 2 }
        let length = pauses[key].map { min($0.length * 2, longest) } ?? first
        pauses[key] = Pause(length: length, since: now)
    }
}
