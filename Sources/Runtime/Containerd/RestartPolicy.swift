/// Decides how long to wait before a process that ended is started again.
///
/// At once the first time, then twice as long each time up to a bound; one that ran long enough starts from
/// the beginning. Pure: it is told how long the process ran.
struct RestartPolicy: Sendable {
    /// Every bound it keeps.
    struct Limits: Equatable, Sendable {
        var firstDelay = Duration.milliseconds(100)
        var longestDelay = Duration.seconds(10)
        /// A run of this length was a good one.
        var goodRun = Duration.seconds(30)
    }

    private let limits: Limits
    private var nextDelay = Duration.zero

    init(limits: Limits = Limits()) { self.limits = limits }

    /// The process has ended after `run`. Returns the pause before its next start.
    mutating func ended(after run: Duration) -> Duration {
        if run >= limits.goodRun { nextDelay = .zero }
        defer { nextDelay = min(max(nextDelay * 2, limits.firstDelay), limits.longestDelay) }
        return nextDelay
    }
}
